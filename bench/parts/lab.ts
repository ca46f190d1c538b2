import { join } from "node:path";
import { writeFloorFiles } from "../floor-files";
import {
  DESTROY,
  enter,
  LIMIT_SECONDS,
  npmRun,
  pulumi,
  pulumiIn,
  removeLab,
  removeStack,
  resources,
  ROOT,
  settings,
  unchanged,
  UP,
} from "../lab";
import type { Context, Part, Samples } from "../part";
import { run, type Environment } from "../run";
import { median, ratio } from "../statistics";
import { goalTable, rowTable } from "../tables";

const EMPTY = join(ROOT, "bench/empty");
const FLOOR = join(ROOT, "bench/floor.sh");
/** A no-op is short, so more of them are run in a round. */
const NO_OPS = 3;

const ROWS = {
  npmUp: "no hosts → smoke test passed: `npm run up`",
  up: "the same: `pulumi up`",
  floor: "the same by hand, nothing waited for in vain ([floor.sh](floor.sh))",
  noOp: "`pulumi up`, nothing to do",
  emptyNoOp: "the same with as many empty components",
  npmUpAgain: "`npm run up`, nothing to do",
  destroy: "`pulumi destroy`",
  npmDestroy: "`npm run destroy`",
};

/** The lab against the same made in other ways. All sides run in the same round, in turn. */
export const lab: Part = {
  name: "lab",
  title: "The lab against the same by hand",
  description:
    "Six hosts with ZooKeeper and Kafka, from nothing until a message has passed; a change; no change; the end.",
  measure,
  remove,
  report,
};

async function measure(context: Context): Promise<void> {
  const files = join(context.directory, "floor");
  writeFloorFiles(files, await settings(await enter()));
  const sides = [() => floor(context, files), () => labItself(context)];
  for (let round = 0; round < context.rounds; round++) {
    // Neither side always finds what another has just left in the memory.
    for (let index = 0; index < sides.length; index++) {
      await sides[(round + index) % sides.length]?.();
    }
    context.say(`round ${round + 1} of ${context.rounds} done`);
  }
}

async function floor({ note }: Context, files: string): Promise<void> {
  const { stdout } = await run([FLOOR, files], { env: process.env, limitSeconds: LIMIT_SECONDS });
  note("floor", Number(stdout));
}

async function labItself({ note, trace }: Context): Promise<void> {
  const env = await enter();
  await pulumi(env, "stack", "init", "local");
  const up = await pulumi(env, ...UP);
  note("up", up.seconds);
  trace(up);
  await noOps(note, env, await resources(env));
  note("destroy", (await pulumi(env, ...DESTROY)).seconds);
  await removeStack(env);
  await pulumiIn(EMPTY, env, ...DESTROY);
  await removeStack(env, EMPTY);

  note("npmUp", (await npmRun("up")).seconds);
  note("npmUpAgain", (await npmRun("up")).seconds);
  note("npmDestroy", (await npmRun("destroy")).seconds);
}

/** A no-op `up` of the lab and of as many empty components, in turn. */
async function noOps(note: Context["note"], env: Environment, count: number): Promise<void> {
  const components = { ...env, COMPONENTS: String(count) };
  await pulumiIn(EMPTY, components, "stack", "init", "local");
  await pulumiIn(EMPTY, components, ...UP);
  for (let index = 0; index < NO_OPS; index++) {
    note("noOp", unchanged(await pulumi(env, ...UP)).seconds);
    note("emptyNoOp", unchanged(await pulumiIn(EMPTY, components, ...UP)).seconds);
  }
}

async function remove(): Promise<void> {
  await run([FLOOR, "--remove"], { env: process.env, limitSeconds: LIMIT_SECONDS });
  await removeLab();
}

function report(samples: Samples): string {
  const goals = [
    { what: "`pulumi up` / by hand", value: ratio(samples["up"], samples["floor"]), goal: 1.3 },
    {
      what: "no-op / empty components",
      value: ratio(samples["noOp"], samples["emptyNoOp"]),
      goal: 1.5,
    },
    { what: "no-op", value: median(samples["noOp"]), goal: 3, unit: "s" },
  ];
  return `${goalTable(goals)}\n${rowTable(ROWS, samples)}`;
}
