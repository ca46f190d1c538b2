import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ROOT, TOP } from "../lab";
import type { Context, Part, Samples } from "../part";
import { run } from "../run";
import { median } from "../statistics";
import { goalTable, number, rowTable, table } from "../tables";

const HERE = join(TOP, "fresh");

/** The cache directories of a simulated new machine. */
const CACHES = {
  KAFKALAB_CACHE: join(HERE, "cache"),
  GOMODCACHE: join(HERE, "go-modules"),
  GOCACHE: join(HERE, "go-build"),
  npm_config_cache: join(HERE, "npm"),
};

/** The downloads, with the directories of the downloaded files. */
const DOWNLOADS: Record<string, string> = {
  "Go modules": join(CACHES.GOMODCACHE, "cache/download"),
  "npm packages": CACHES.npm_config_cache,
  "Debian packages": join(CACHES.KAFKALAB_CACHE, "apt"),
  "jars from Maven Central": join(CACHES.KAFKALAB_CACHE, "maven"),
};

/** Seconds of the setup on the machine of RESULTS.md when the CLI was still built with its code for clouds. */
const SET_UP_BEFORE = 241;
const LIMIT_SECONDS = 1800;

/** A progress line of the setup. */
const STEP = /^ +(\S+) +done +([\d.]+) s$/;
const SET_UP = /^set-up: done \(([\d.]+) s\)$/;

/** The duration of the first `npm run up` on a machine, and in a second clone. */
export const fresh: Part = {
  name: "fresh",
  title: "The fresh start",
  description:
    "`npm run up` in a clone, until the first message has passed. The machine has the Debian packages that setup installs, and all caches are empty. Then the same in a second clone. The steps of the setup run in parallel. The sizes of downloads are those of the transferred files. If the official releases are available, no Go modules are downloaded.",
  measure,
  remove,
  report,
};

async function measure(context: Context): Promise<void> {
  for (let round = 0; round < context.rounds; round++) {
    await remove();
    const first = await up("first");
    context.note("first", first.seconds);
    for (const { text } of first.lines) {
      const [, step, seconds] = STEP.exec(text) ?? [];
      if (step !== undefined) {
        context.note(`step.${step}`, Number(seconds));
      }
      const [, all] = SET_UP.exec(text) ?? [];
      if (all !== undefined) {
        context.note("setUp", Number(all));
      }
    }
    for (const [name, directory] of Object.entries(DOWNLOADS)) {
      context.note(`download.${name}`, await megabytes(directory), "MB");
    }
    await down("first");
    context.note("second", (await up("second")).seconds);
    await down("second");
    context.say(`round ${round + 1} of ${context.rounds} done`);
  }
}

async function up(clone: string) {
  const directory = join(HERE, clone);
  const env = environment();
  await run(["git", "clone", "--quiet", ROOT, directory], { env, limitSeconds: LIMIT_SECONDS });
  // The setup prints its progress to stderr.
  return run(["bash", "-c", "exec npm run up 2>&1"], {
    cwd: directory,
    env,
    limitSeconds: LIMIT_SECONDS,
  });
}

const down = (clone: string) =>
  run(["npm", "run", "destroy"], {
    cwd: join(HERE, clone),
    env: environment(),
    limitSeconds: LIMIT_SECONDS,
  });

const environment = () => ({ ...process.env, ...CACHES, KAFKALAB_STATE: join(HERE, "state") });

async function megabytes(directory: string): Promise<number> {
  const { stdout } = await run(["du", "--summarize", "--bytes", directory], {
    env: process.env,
    limitSeconds: 60,
  });
  return Number(stdout.split("\t")[0]) / 1e6;
}

async function remove(): Promise<void> {
  for (const clone of ["first", "second"]) {
    if (existsSync(join(HERE, clone, "node_modules")) && existsSync(join(HERE, "state"))) {
      await down(clone);
    }
  }
  rmSync(HERE, { recursive: true, force: true });
}

function report(samples: Samples): string {
  const under = (prefix: string) =>
    Object.keys(samples)
      .filter((row) => row.startsWith(prefix))
      .map((row) => ({ name: row.slice(prefix.length), row }));
  return [
    goalTable([
      {
        what: "setup with empty caches",
        value: median(samples["setUp"]),
        goal: SET_UP_BEFORE / 2,
        unit: "s",
      },
    ]),
    `The goal is half of the earlier time, ${SET_UP_BEFORE} s.\n`,
    rowTable(
      {
        first: "`npm run up` with empty caches, until the first message",
        setUp: "part of this: setup",
        ...Object.fromEntries(under("step.").map(({ name, row }) => [row, `setup step ${name}`])),
        second: "`npm run up` in a second clone",
      },
      samples,
    ),
    table(
      ["downloaded", "MB"],
      under("download.").map(({ name, row }) => [name, number(median(samples[row]), 0)]),
    ),
  ].join("\n");
}
