import { join } from "node:path";
import { writeBookFiles } from "../book-files";
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
  writeConfig,
} from "../lab";
import type { Context, Part, Samples } from "../part";
import { run, type Environment } from "../run";
import { median, ratio } from "../statistics";
import { pinned } from "../python";
import { goalTable, rowTable } from "../tables";

const EMPTY = join(ROOT, "bench/empty");
const FLOOR = join(ROOT, "bench/floor.sh");
const BOOK = join(ROOT, "bench/book.sh");
/** A no-op is short, so each round runs several. */
const NO_OPS = 3;

/** A setting that brokers apply live, and one that needs a restart. */
const LIVE = { "num.io.threads": "9" };
const RESTART = { "queued.max.requests": "501" };

const MODES = ["usual", "tuned"] as const;
type Mode = (typeof MODES)[number];

const ROWS = {
  npmUp: "from no hosts to the first message: `npm run up`",
  up: "from no hosts to the first message: `pulumi up`",
  floor: "the same by hand, without unnecessary waits ([floor.sh](floor.sh))",
  "book.usual": "the same in the book's way, with Ansible's usual settings ([book/](book/))",
  "book.tuned": "the same in the book's way, with tuned Ansible",
  changeLive: "change of a broker setting without a restart: `pulumi up`",
  changeRestart: "change of a broker setting that restarts the brokers one by one: `pulumi up`",
  "bookChange.usual":
    "change of a broker setting, all brokers restart at once: the playbook, usual",
  "bookChange.tuned":
    "change of a broker setting, all brokers restart at once: the playbook, tuned",
  noOp: "nothing to change: `pulumi up`",
  emptyNoOp: "nothing to change, the same number of empty components: `pulumi up`",
  npmUpAgain: "nothing to change: `npm run up`",
  "bookNoOp.usual": "nothing to change: the playbook, usual",
  "bookNoOp.tuned": "nothing to change: the playbook, tuned",
  destroy: "removal: `pulumi destroy`",
  npmDestroy: "removal: `npm run destroy`",
};

/** Compares the lab with other ways to create it. Each round runs all sides one after another. */
export const lab: Part = {
  name: "lab",
  title: "The lab compared with the book's way and with the same steps by hand",
  description:
    "Six hosts run ZooKeeper and Kafka. The bench measures the time from no hosts until a message has passed through all brokers, a changed setting, a run with nothing to change, and the removal. Every side uses the same image, archives, heaps and configuration files, and the boot of its hosts is part of the time. The other sides get some things in advance, which is not part of their time: keys, names in `/etc/hosts` and Python for Ansible. The book's hosts have no data volumes.",
  measure,
  remove,
  report,
};

async function measure(context: Context): Promise<void> {
  const files = (name: string) => join(context.directory, name);
  const raw = await settings(await enter());
  writeFloorFiles(files("floor"), raw);
  writeBookFiles(files("book"), raw);
  writeBookFiles(files("changed"), { ...raw, "kafkalab:brokerConfig": JSON.stringify(RESTART) });
  context.fact("ansible-core", pinned("ansible-core"));
  const sides = [
    () => floor(context, files("floor")),
    () => labItself(context),
    ...MODES.map((mode) => () => book(context, mode, files("book"), files("changed"))),
  ];
  for (let round = 0; round < context.rounds; round++) {
    // The order rotates, so that no side always profits from the caches of another.
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

async function book({ note }: Context, mode: Mode, files: string, changed: string) {
  const take = async (row: string, mayChange: boolean, ...args: string[]) => {
    const options = { env: process.env, limitSeconds: LIMIT_SECONDS };
    const [seconds = NaN, changes] = (await run([BOOK, ...args], options)).stdout
      .split("\n")
      .map(Number);
    if ((changes !== 0) !== mayChange) {
      throw new Error(
        `book.sh ${args.join(" ")}: ${changes} steps of the playbook changed something`,
      );
    }
    note(`${row}.${mode}`, seconds);
  };
  await take("book", true, "up", files, mode);
  await take("bookNoOp", false, "play", mode);
  await take("bookChange", true, "play", mode, changed);
  await run([BOOK, "--remove"], { env: process.env, limitSeconds: LIMIT_SECONDS });
}

async function labItself({ note, trace, directory }: Context): Promise<void> {
  const env = await enter();
  await pulumi(env, "stack", "init", "local");
  const up = await pulumi(env, ...UP);
  note("up", up.seconds);
  trace(up);
  await noOps(note, env, await resources(env));
  const live = writeConfig(join(directory, "live.yaml"), { "kafkalab:brokerConfig": LIVE });
  note("changeLive", (await pulumi(env, ...UP, "--config-file", live)).seconds);
  const both = { "kafkalab:brokerConfig": { ...LIVE, ...RESTART } };
  const restart = writeConfig(join(directory, "restart.yaml"), both);
  note("changeRestart", (await pulumi(env, ...UP, "--config-file", restart)).seconds);
  note("destroy", (await pulumi(env, ...DESTROY)).seconds);
  await removeStack(env);
  await pulumiIn(EMPTY, env, ...DESTROY);
  await removeStack(env, EMPTY);

  note("npmUp", (await npmRun("up")).seconds);
  note("npmUpAgain", (await npmRun("up")).seconds);
  note("npmDestroy", (await npmRun("destroy")).seconds);
}

/** Alternates a no-op `up` of the lab with one of the same number of empty components. */
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
  for (const script of [FLOOR, BOOK]) {
    await run([script, "--remove"], { env: process.env, limitSeconds: LIMIT_SECONDS });
  }
  await removeLab();
}

function report(samples: Samples): string {
  const goals = [
    ["`npm run up` / the book's way, usual", "npmUp", "book.usual", 0.25],
    ["`npm run up` / the book's way, tuned", "npmUp", "book.tuned", 0.5],
    ["`pulumi up` / by hand", "up", "floor", 1.3],
    ["no-op / empty components", "noOp", "emptyNoOp", 1.5],
  ] as const;
  return [
    goalTable([
      ...goals.map(([what, over, under, goal]) => {
        return { what, value: ratio(samples[over], samples[under]), goal };
      }),
      { what: "no-op", value: median(samples["noOp"]), goal: 3, unit: "s" },
    ]),
    rowTable(ROWS, samples),
  ].join("\n");
}
