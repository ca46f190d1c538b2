import { ensureGuard } from "../machine/guard";
import * as machine from "../machine/network";
import { readState } from "../machine/store";
import { requireWay, wayIsOpen } from "../machine/way";
import type { RecordOf } from "./kind";
import * as kinds from "./kinds";
import { find, findNow, recordsOf } from "./records";
import { vpcModel } from "./vpc-model";

/*
 * Hands VPCs to the machine, as the records describe them.
 */

const modelNow = (vpcId: string) => vpcModel(readState(), vpcId);

/** Brings the network of a VPC to what the records say. */
export const applyVpc = (vpcId: string): Promise<void> =>
  machine.applyVpc(vpcId, () => modelNow(vpcId));

/** A resource that may name a VPC. */
interface InVpc {
  inputs: { vpcId?: string | undefined };
}

/** As {@link applyVpc}, for a resource that names a VPC, if it names one. */
export async function applyVpcOf({ inputs }: InVpc): Promise<void> {
  if (inputs.vpcId !== undefined) {
    await applyVpc(inputs.vpcId);
  }
}

/** As {@link applyVpc}, for the VPC of a subnet. */
export async function applyVpcOfSubnet(subnetId: string): Promise<void> {
  const subnet = findNow(kinds.subnet, subnetId);
  if (subnet) {
    await applyVpcOf(subnet);
  }
}

/** Makes a VPC, and checks that this machine can connect to it. */
export async function makeVpc(vpcId: string): Promise<void> {
  await applyVpc(vpcId);
  const model = modelNow(vpcId);
  if (model) {
    await requireWay(model);
  }
}

/** Whether the machine has the VPC as the records describe it, and can connect to it. */
export async function vpcIsWhole(vpcId: string): Promise<boolean> {
  const model = modelNow(vpcId);
  return model !== undefined && (await machine.vpcIsWhole(model)) && (await wayIsOpen(model));
}

/** Removes the network of a VPC, whatever is left of it. */
export const removeVpc = ({ id, chosen }: RecordOf<typeof kinds.vpc>): Promise<void> =>
  machine.removeVpc({ id, slot: chosen.slot });

/** Sets the guard of every VPC on record. */
export async function guardAll(): Promise<void> {
  const slotNow = (id: string) => {
    const vpc = find(readState(), kinds.vpc, id);
    return vpc?.leaving ? undefined : vpc?.chosen.slot;
  };
  const ids = recordsOf(readState(), kinds.vpc).map(({ id }) => id);
  await Promise.all(ids.map((id) => ensureGuard(id, () => slotNow(id))));
}

/** Brings the DNS of every VPC of a private zone to what the records say. */
export async function applyVpcs(vpcIds: string[]): Promise<void> {
  for (const vpcId of vpcIds) {
    await applyVpc(vpcId);
  }
}
