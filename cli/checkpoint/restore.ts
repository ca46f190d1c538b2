import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { overlaps } from "../../local-cloud/machine/addresses";
import { publicCidr } from "../../local-cloud/machine/blocks";
import { settleElasticGuard } from "../../local-cloud/machine/guard";
import { whileFrozen } from "../../local-cloud/machine/freeze";
import { unplugInstance } from "../../local-cloud/machine/instance";
import { outerLink } from "../../local-cloud/machine/links";
import { machineRoutes } from "../../local-cloud/machine/network";
import { own, stackOf } from "../../local-cloud/machine/owner";
import { cloudDir } from "../../local-cloud/machine/paths";
import { waitFor } from "../../shared/wait";
import { readState, type State } from "../../local-cloud/machine/store";
import { loopDevice } from "../../local-cloud/machine/volume";
import { elasticBlock, guardElasticAddresses } from "../../local-cloud/aws/elastic-addresses";
import * as kinds from "../../local-cloud/aws/kinds";
import { applyVpc, removeVpc } from "../../local-cloud/aws/network";
import { powerOn } from "../../local-cloud/aws/power";
import { living, nameOf } from "../../local-cloud/aws/records";
import { isStopped } from "../../local-cloud/aws/vpc-model";
import { copyAll, sharesBlocks } from "./copy";
import { disksOf, freezePointsOf, hostNames, volumeIdsOf } from "./lab";
import { Refusal } from "../lib/refusal";
import { backendDir } from "../pulumi/backend";
import {
  checkpointDir,
  checkpointOf,
  checkSpace,
  type Exchange,
  exchangeBegun,
  forgetExchange,
  makePart,
  noteExchange,
  publish,
  removeParts,
  sizeOnDisk,
  writeJson,
} from "./store";

/*
 * A restore copies the checkpoint while the lab still runs. Then it powers the lab off and exchanges the
 * lab's disks and states with the copy. A plan file exists from the first move to the last start of a host,
 * so that the next run can complete the restore. The former state becomes a checkpoint, without a copy.
 */

/** The directories to exchange: the path in the copy, and the path in use. */
const PLACES = [
  { copy: "cloud", used: cloudDir },
  { copy: "pulumi/stacks", used: join(backendDir, "stacks") },
];

export interface Restored {
  /** A report for the user. */
  text: string;
  /** Whether any host is powered on. */
  runs: boolean;
}

/** Restores the lab. Returns when its hosts are booting. */
export async function restore(name: string): Promise<Restored> {
  const { hosts } = checkpointOf(name);
  let exchange = exchangeBegun();
  if (exchange && exchange.name !== name) {
    finish(exchange);
    exchange = undefined;
  }
  exchange ??= await begin(name);
  swap(exchange);
  const runs = await start();
  finish(exchange);
  const kept = exchange.before
    ? `; the former state is the checkpoint "${exchange.before.name}"`
    : "";
  return { text: `restored ${hosts.length} hosts from "${name}"${kept}`, runs };
}

/**
 * Completes the exchange of an incomplete restore without starting a host, so that the user can destroy the
 * restored lab.
 *
 * @returns A report for the user.
 */
export function abandon(): string {
  const exchange = exchangeBegun();
  if (!exchange) {
    return "no restore is under way";
  }
  finish(exchange);
  const kept = [exchange.name, ...(exchange.before ? [exchange.before.name] : [])];
  return `the restore of "${exchange.name}" is abandoned; its hosts and their disks will be removed, and these checkpoints stay: ${kept.join(", ")}`;
}

async function begin(name: string): Promise<Exchange> {
  removeParts();
  const saved = JSON.parse(
    readFileSync(join(checkpointDir(name), "cloud/state.json"), "utf8"),
  ) as State;
  const present = readState();
  refuseIfNotPossible(name, saved);
  await refuseTakenAddresses(name, saved, present);
  const part = makePart();
  try {
    await stage(name, saved, present, part);
    const before = Object.keys(present.records).length
      ? { ...(await takePower(present)), hosts: hostNames(present) }
      : undefined;
    const exchange = { name, part, ...(before && { before }) };
    noteExchange(exchange);
    return exchange;
  } catch (error) {
    rmSync(part, { recursive: true, force: true });
    throw error;
  }
}

function refuseIfNotPossible(name: string, saved: State): void {
  for (const record of living(saved, kinds.instance)) {
    const { imageRoot } = record.chosen;
    if (!existsSync(imageRoot)) {
      throw new Refusal(
        `Checkpoint "${name}": the image of ${nameOf(record)} must be at ${imageRoot}, but it does not exist there: a host's disk contains only the differences from it.`,
        "Check out the release that created the checkpoint, and run: npm run setup",
      );
    }
  }
}

/** The block of the elastic addresses, if there are any. */
function blocksOfElastic(state: State): string[] {
  const block = elasticBlock(state);
  return block === undefined ? [] : [block];
}

/** Rejects the restore if the machine uses a VPC's public addresses otherwise: a restored VPC keeps them. */
async function refuseTakenAddresses(name: string, saved: State, present: State): Promise<void> {
  const own = [
    ...living(present, kinds.vpc).flatMap(({ id, chosen }) => [
      outerLink(id),
      publicCidr(chosen.slot), // the machine's guard route for this VPC
    ]),
    ...blocksOfElastic(present),
  ];
  const routes = (await machineRoutes()).filter(
    ({ device, cidr }) => !own.includes(device) && !own.includes(cidr),
  );
  const blocks = living(saved, kinds.vpc).map(({ chosen }) => publicCidr(chosen.slot));
  for (const cidr of [...blocks, ...blocksOfElastic(saved)]) {
    const route = routes.find((r) => overlaps(r.cidr, cidr));
    if (route) {
      throw new Refusal(
        `Checkpoint "${name}": its hosts must have their addresses in ${cidr}, which this machine routes to ${route.device} (${route.cidr}).`,
        "Destroy the lab that uses them, or remove the route, and restore again.",
      );
    }
  }
}

async function stage(name: string, saved: State, present: State, part: string): Promise<void> {
  const from = checkpointDir(name);
  if (!sharesBlocks(part)) {
    checkSpace(`Checkpoint "${name}"`, sizeOnDisk(from));
  }
  const disks = ["state.json", ...disksOf(saved)].map((disk) => join("cloud", disk));
  await copyAll(
    [...disks, "pulumi/stacks", "pulumi/meta.yaml"].map((path) => ({
      from: join(from, path),
      to: join(part, "new", path),
    })),
  );
  // The current state knows the kernel settings from before any lab.
  const restored: State = { ...saved, sysctls: { ...saved.sysctls, ...present.sysctls } };
  // The checkout that restores a lab becomes its owner.
  const stacks = new Set(Object.values(saved.records).map(({ urn }) => stackOf(urn)));
  stacks.forEach((stack) => own(restored, stack));
  writeJson(join(part, "new/cloud/state.json"), restored);
}

/** Powers all hosts off at the same moment, and removes the lab's kernel objects. */
async function takePower(present: State): Promise<{ name: string; time: string }> {
  const instances = living(present, kinds.instance);
  const unplug = async () => {
    const now = new Date().toISOString();
    await Promise.all(instances.map(({ id }) => unplugInstance(id, volumeIdsOf(id))));
    return now;
  };
  const points = await freezePointsOf(present).catch(() => []);
  const still = points.map(({ group }) => ({ group, mounts: [] })); // their file systems will be unmounted
  const { result: time } = await whileFrozen(still, 60, unplug);
  await Promise.all(living(present, kinds.vpc).map(removeVpc));
  await settleElasticGuard(() => undefined, elasticBlock(present));
  // The kernel detaches a loop device after the host's last process that uses it has ended.
  const volumes = living(present, kinds.volume).map(({ id }) => id);
  const givenBack = { what: "the lab's volumes", state: "given back", seconds: 10, intervalMs: 10 };
  await waitFor(givenBack, () => {
    const inUse = volumes.filter((id) => loopDevice(id) !== undefined);
    return inUse.length === 0 ? { done: true } : { seen: `${inUse.join(", ")} in use` };
  });
  return { name: `before-${time.slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-")}`, time };
}

/** Exchanges the lab with the copy. Can continue after any move of a killed run. */
export function swap({ part }: Exchange): void {
  mkdirSync(backendDir, { recursive: true });
  for (const { copy, used } of PLACES) {
    const [from, aside] = [join(part, "new", copy), join(part, "old", copy)];
    if (!existsSync(from)) {
      continue;
    } // an earlier run has done it
    if (existsSync(used) && !existsSync(aside) && readdirSync(used).length > 0) {
      mkdirSync(dirname(aside), { recursive: true, mode: 0o700 });
      renameSync(used, aside);
    } else if (existsSync(used)) {
      rmdirSync(used); // the setup creates an empty directory
    }
    renameSync(from, used);
  }
  // Without this file, Pulumi would read the states as those of a very old release.
  copyFileSync(join(part, "new/pulumi/meta.yaml"), join(backendDir, "meta.yaml"));
}

/** Starts the hosts that ran at the checkpoint. Returns whether there are any. */
async function start(): Promise<boolean> {
  const state = readState();
  await guardElasticAddresses();
  await Promise.all(living(state, kinds.vpc).map(({ id }) => applyVpc(id)));
  const instances = living(state, kinds.instance).filter((record) => !isStopped(record));
  await Promise.all(instances.map(powerOn));
  return instances.length > 0;
}

/** Makes the former state a checkpoint, and deletes the plan. */
function finish(exchange: Exchange): void {
  swap(exchange);
  const { part, before } = exchange;
  const old = join(part, "old");
  if (before && existsSync(old)) {
    mkdirSync(join(old, "pulumi/stacks"), { recursive: true, mode: 0o700 }); // Pulumi's state may be lost
    copyFileSync(join(backendDir, "meta.yaml"), join(old, "pulumi/meta.yaml"));
    publish(old, { format: 1, ...before });
  }
  forgetExchange();
  removeParts();
}
