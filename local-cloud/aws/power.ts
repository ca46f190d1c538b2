import { addressAt } from "../machine/addresses";
import { publicCidr } from "../machine/blocks";
import { instanceRuns, startInstance, stopInstance } from "../machine/instance";
import type { AttachedVolume } from "../machine/model";
import { changeState, readState, type State } from "../machine/store";
import { ApiError } from "./api-error";
import { privateDnsName } from "./ids";
import type { RecordOf } from "./kind";
import * as kinds from "./kinds";
import { applyVpcOfSubnet } from "./network";
import { find, findNow, having, mustExist, recordsOf } from "./records";
import { userDataOf } from "./user-data";
import { isStopped, vpcModel } from "./vpc-model";

/*
 * Starts and stops instances on the machine as the records describe them.
 */

type Instance = RecordOf<typeof kinds.instance>;
type Subnet = RecordOf<typeof kinds.subnet>;

/** The volumes that the records attach to an instance. */
export function attachedVolumes(instanceId: string): AttachedVolume[] {
  return having(readState(), kinds.volumeAttachment, "instanceId", instanceId)
    .filter(({ leaving }) => !leaving)
    .map(({ inputs, chosen }) => ({ volumeId: inputs.volumeId, index: chosen.index }));
}

/**
 * Starts or stops an instance with its network, as its record says.
 *
 * @param force Whether to stop it without a clean shutdown.
 */
export async function settleInstance(id: string, force = false): Promise<void> {
  const record = findNow(kinds.instance, id);
  if (!record) {
    return; // another process has terminated it
  }
  if (isStopped(record)) {
    await stopInstance(id, force);
    await applyVpcOfSubnet(record.inputs.subnetId);
    return;
  }
  if (!instanceRuns(id)) {
    await noteStart(id);
  }
  await applyVpcOfSubnet(record.inputs.subnetId);
  const renewed = findNow(kinds.instance, id);
  if (renewed) {
    await powerOn(renewed);
  }
}

/** Powers an instance on with the addresses in its record. */
export async function powerOn(record: Instance): Promise<void> {
  const state = readState();
  const subnet = find(state, kinds.subnet, record.inputs.subnetId);
  const vpc = subnet && vpcModel(state, subnet.inputs.vpcId);
  const host = vpc?.hosts.find(({ id }) => id === record.id);
  if (!vpc || !host) {
    throw new Error(`instance ${record.id} has no VPC`);
  }
  const key = find(state, kinds.keyPair, record.inputs.keyName);
  const order = stopOrder(record);
  const siblings = vpc.hosts.flatMap(({ id }) => find(state, kinds.instance, id) ?? []);
  const idsWhere = (condition: (other: number) => boolean) =>
    siblings.filter((other) => condition(stopOrder(other))).map(({ id }) => id);
  await startInstance({
    vpcId: vpc.id,
    host,
    imageRoot: record.chosen.imageRoot,
    userData: userDataOf(record.inputs),
    privateDnsName: privateDnsName(host.privateIp),
    ...(key ? { publicKey: key.inputs.publicKey } : {}),
    volumes: attachedVolumes(record.id),
    stopsAfter: idsWhere((other) => other < order),
    stopsBefore: idsWhere((other) => other > order),
  });
}

/**
 * The order in which the instances of a VPC stop when the machine shuts down. It is the tag `StopOrder`.
 * Lower numbers stop first. @default NaN: no order
 */
const stopOrder = ({ inputs }: Instance) => Number(inputs.tags?.["StopOrder"] ?? NaN);

/** The current time as EC2 gives it, in whole seconds. */
export const launchTime = () => new Date().toISOString().replace(/\.\d+Z$/, "Z");

/** A free public address of the subnet's VPC, different from the instance's last one. */
export function publicAddress(subnet: Subnet, state: State, last?: string): string {
  const cidr = publicCidr(mustExist(state, kinds.vpc, subnet.inputs.vpcId).chosen.slot);
  const taken = new Set(recordsOf(state, kinds.instance).map(({ chosen }) => chosen.publicIp));
  for (let offset = 10; offset < 255; offset++) {
    const publicIp = addressAt(cidr, offset);
    if (!taken.has(publicIp) && publicIp !== last) {
      return publicIp;
    }
  }
  throw new ApiError("InsufficientAddressCapacity", `no public address is free in ${cidr}`);
}

/**
 * As on EC2, each start has a launch time, and gives the instance another automatic public address. With an
 * elastic address the instance keeps the one that its record contains for the time after the association.
 */
async function noteStart(id: string): Promise<void> {
  await changeState((state) => {
    const record = find(state, kinds.instance, id);
    const subnet = find(state, kinds.subnet, record?.inputs.subnetId);
    const last = record?.chosen.publicIp;
    const isElastic = having(state, kinds.eipAssociation, "instanceId", id).length > 0;
    if (record) {
      record.chosen.launchTime = launchTime();
    }
    if (record && subnet && last !== undefined && !isElastic) {
      record.chosen.publicIp = publicAddress(subnet, state, last);
    }
  });
}
