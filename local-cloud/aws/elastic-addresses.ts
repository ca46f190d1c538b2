import { randomInt } from "node:crypto";
import { settleElasticGuard } from "../machine/guard";
import { addressAt } from "../machine/addresses";
import { publicCidr, SLOTS, slotOf } from "../machine/blocks";
import type { ElasticAddress } from "../machine/model";
import { readState, type State } from "../machine/store";
import * as kinds from "./kinds";
import { find, living, recordsOf } from "./records";

/*
 * The elastic addresses of a state directory. All of them come from one block. The first one determines it,
 * and the records keep it as long as there is any address.
 */

/** AWS's quota of elastic addresses in a region. */
export const DEFAULT_ADDRESS_QUOTA = 5;
/** The number of addresses in a block. */
const CAPACITY = 254;

/**
 * The quota of elastic addresses. On AWS, a request to Service Quotas raises it. Here, an environment
 * variable does.
 *
 * @throws Error if the variable is not a number of addresses.
 */
export function addressQuota(env: NodeJS.ProcessEnv = process.env): number {
  const text = env["KAFKALAB_ADDRESS_QUOTA"];
  if (text === undefined || text === "") {
    return DEFAULT_ADDRESS_QUOTA;
  }
  const quota = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(quota >= 1 && quota <= CAPACITY)) {
    throw new Error(
      `KAFKALAB_ADDRESS_QUOTA must be an integer from 1 to ${CAPACITY}; got ${JSON.stringify(text)}. It is the number of elastic addresses that the local cloud allocates (default ${DEFAULT_ADDRESS_QUOTA}, as on AWS).`,
    );
  }
  return quota;
}

/** The slots of all VPCs, and the slot of the elastic addresses. */
export function takenSlots(state: State): ReadonlySet<number> {
  const elastic = elasticSlot(state);
  const slots = recordsOf(state, kinds.vpc).map(({ chosen }) => chosen.slot);
  return new Set(elastic === undefined ? slots : [...slots, elastic]);
}

/** The first free slot, from `slot` on. Another process may have taken `slot` since the lookup. */
export function freeSlotFrom(slot: number, state: State): number {
  const taken = takenSlots(state);
  let free = slot;
  while (taken.has(free)) {
    free = (free + 1) % SLOTS;
  }
  return free;
}

// Labs of earlier releases have addresses outside all slots, for NAT gateways.
const slotAmong = (records: { chosen: { publicIp: string } }[]) =>
  records.map(({ chosen }) => slotOf(chosen.publicIp)).find((slot) => slot !== undefined);

const elasticSlot = (state: State) => slotAmong(recordsOf(state, kinds.eip));

/** The block of the elastic addresses. @default undefined, if there are none */
export function elasticBlock(state: State): string | undefined {
  const slot = slotAmong(living(state, kinds.eip));
  return slot === undefined ? undefined : publicCidr(slot);
}

/**
 * A random free elastic address. On AWS, too, the next address does not follow from the last one.
 *
 * @param slot The slot to use if there are no elastic addresses yet.
 */
export function freeElasticAddress(state: State, slot: number): string {
  const cidr = publicCidr(elasticSlot(state) ?? freeSlotFrom(slot, state));
  const taken = new Set(recordsOf(state, kinds.eip).map(({ chosen }) => chosen.publicIp));
  const start = randomInt(CAPACITY);
  for (let i = 0; i < CAPACITY; i++) {
    const address = addressAt(cidr, 1 + ((start + i) % CAPACITY));
    if (!taken.has(address)) {
      return address;
    }
  }
  throw new Error(`all addresses of ${cidr} are in use`);
}

/** The elastic addresses of the instances, by instance id. */
export function elasticAddresses(state: State): ReadonlyMap<string, ElasticAddress> {
  const pairs = recordsOf(state, kinds.eipAssociation).flatMap(({ id, inputs }) => {
    const eip = find(state, kinds.eip, inputs.allocationId);
    return eip ? [[inputs.instanceId, { id, address: eip.chosen.publicIp }] as const] : [];
  });
  return new Map(pairs);
}

/**
 * Adds the machine's guard for the elastic addresses in the records.
 *
 * @param former An elastic address that goes. Its guard goes with the last address of its block.
 */
export function guardElasticAddresses(former?: string): Promise<void> {
  const slot = former === undefined ? undefined : slotOf(former);
  return settleElasticGuard(
    () => elasticBlock(readState()),
    slot === undefined ? undefined : publicCidr(slot),
  );
}
