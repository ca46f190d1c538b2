import { ensureGuard } from "../machine/guard";
import * as machine from "../machine/network";
import { readState } from "../machine/store";
import { requireWay, wayIsOpen } from "../machine/way";
import { guardElasticAddresses } from "./elastic-addresses";
import type { RecordOf } from "./kind";
import * as kinds from "./kinds";
import { find, findNow, recordsOf } from "./records";
import { vpcModel } from "./vpc-model";

/*
 * Applies the records of VPCs to the machine.
 */

const modelNow = (vpcId: string) => vpcModel(readState(), vpcId);

/** Changes the network of a VPC until it matches the records. */
export const applyVpc = (vpcId: string): Promise<void> =>
  machine.applyVpc(vpcId, () => modelNow(vpcId));

/** A resource whose inputs may contain a VPC id. */
interface InVpc {
  inputs: { vpcId?: string | undefined };
}

/** Like {@link applyVpc}, for the VPC in a resource's inputs, if there is one. */
export async function applyVpcOf({ inputs }: InVpc): Promise<void> {
  if (inputs.vpcId !== undefined) {
    await applyVpc(inputs.vpcId);
  }
}

/** Like {@link applyVpc}, for the VPC of a subnet. */
export async function applyVpcOfSubnet(subnetId: string): Promise<void> {
  const subnet = findNow(kinds.subnet, subnetId);
  if (subnet) {
    await applyVpcOf(subnet);
  }
}

/** Creates a VPC, and checks that this machine can connect to it. */
export async function makeVpc(vpcId: string): Promise<void> {
  await applyVpc(vpcId);
  const model = modelNow(vpcId);
  if (model) {
    await requireWay(model);
  }
}

/** Whether the VPC on the machine matches the records, and the machine can connect to it. */
export async function vpcIsWhole(vpcId: string): Promise<boolean> {
  const model = modelNow(vpcId);
  return model !== undefined && (await machine.vpcIsWhole(model)) && (await wayIsOpen(model));
}

/** Removes the network of a VPC, even if parts of it are missing. */
export const removeVpc = ({ id, chosen }: RecordOf<typeof kinds.vpc>): Promise<void> =>
  machine.removeVpc({ id, slot: chosen.slot });

/** Adds the guards of every VPC and of the elastic addresses in the records. */
export async function guardAll(): Promise<void> {
  const slotNow = (id: string) => {
    const vpc = find(readState(), kinds.vpc, id);
    return vpc?.leaving ? undefined : vpc?.chosen.slot;
  };
  const ids = recordsOf(readState(), kinds.vpc).map(({ id }) => id);
  await Promise.all([
    guardElasticAddresses(),
    ...ids.map((id) => ensureGuard(id, () => slotNow(id))),
  ]);
}

/** Like {@link applyVpc}, for several VPCs, one after the other. */
export async function applyVpcs(vpcIds: string[]): Promise<void> {
  for (const vpcId of vpcIds) {
    await applyVpc(vpcId);
  }
}
