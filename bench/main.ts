/**
 * Measures the lab against its floor. Both sides run in the same round, in turn, on a lab of its own
 * that the user's lab knows nothing of. See CONTRIBUTING.md.
 *
 *   npm run bench [-- --json] [-- --timeline]
 *
 * RUNS says how many rounds (3). With KEEP=1 a run that fails leaves its lab for a look, until the
 * next run: KAFKALAB_STATE=/var/lib/kafkalab-bench/lab npm run status.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeFloorFiles } from "./floor-files";
import { describeMachine, load } from "./machine";
import { report, type Samples } from "./report";
import { run, wasInterrupted, type Environment, type Finished } from "./run";
import { timeline } from "./timeline";

const ROOT = join(__dirname, "..");
const EMPTY = join(ROOT, "bench/empty");
const LAB = join(ROOT, "scripts/dev/lab.sh");
const FLOOR = join(ROOT, "bench/floor.sh");
const STATE = "/var/lib/kafkalab-bench/lab";
const LIMIT_SECONDS = 300;
/** A no-op is short, so more of them are run in a round. */
const NO_OPS = 3;

const runs = Number(process.env["RUNS"] ?? "3");
const json = process.argv.includes("--json");
const samples: Samples = {};
let trace: Finished | undefined;

async function main(): Promise<void> {
  if (!Number.isInteger(runs) || runs < 1) {
    throw new Error(`RUNS must be 1 or more; got ${process.env["RUNS"]}`);
  }
  const files = mkdtempSync(join(tmpdir(), "kafkalab-bench-"));
  const loadBefore = load();
  let passed = false;
  try {
    await removeAll();
    const environment = await enter();
    await writeFiles(files, environment);
    for (let round = 1; round <= runs; round++) {
      const sides = [() => floor(files), () => lab()];
      // Neither side always finds what the other has just left in the memory.
      for (const side of round % 2 === 1 ? sides : sides.reverse()) {
        await side();
      }
      say(`round ${round} of ${runs} done`);
    }
    passed = true;
    const machine = await describeMachine(environment, loadBefore);
    process.stdout.write(report(samples, machine, json));
    if (trace !== undefined && process.argv.includes("--timeline")) {
      process.stdout.write(timeline(trace));
    }
  } finally {
    rmSync(files, { recursive: true, force: true });
    if (passed || process.env["KEEP"] !== "1") {
      await removeAll();
    }
  }
}

/** Sets up, and gives Pulumi's environment for the lab of this bench. */
async function enter(): Promise<Environment> {
  const { stdout } = await run(["bash", "-c", 'eval "$("$0" env)" && env -0', LAB], {
    env: { ...process.env, KAFKALAB_STATE: STATE },
    limitSeconds: 3600, // it may be the first set-up of all
  });
  return Object.fromEntries(
    stdout
      .split("\0")
      .filter((entry) => entry.includes("="))
      .map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]),
  );
}

async function writeFiles(directory: string, env: Environment): Promise<void> {
  const { stdout } = await pulumi(env, "stack", "init", "local").then(() =>
    pulumi(env, "config", "--json", "--stack", "local"),
  );
  const config = JSON.parse(stdout) as Record<string, { value: string }>;
  writeFloorFiles(
    directory,
    Object.fromEntries(Object.entries(config).map(([name, { value }]) => [name, value])),
  );
  await pulumi(env, "stack", "rm", "--stack", "local", "--yes", "--preserve-config");
}

async function floor(files: string): Promise<void> {
  const { stdout } = await run([FLOOR, files], { env: process.env, limitSeconds: LIMIT_SECONDS });
  note("floor", Number(stdout));
}

async function lab(): Promise<void> {
  const env = await enter();
  await pulumi(env, "stack", "init", "local");
  const up = await pulumi(env, ...UP);
  note("up", up.seconds);
  trace = up;
  const count = await resources(env);
  await noOps(env, count);
  note("destroy", (await pulumi(env, ...DESTROY)).seconds);
  await pulumi(env, "stack", "rm", "--stack", "local", "--yes", "--preserve-config");
  await pulumiIn(EMPTY, env, ...DESTROY);
  await pulumiIn(EMPTY, env, "stack", "rm", "--stack", "local", "--yes", "--preserve-config");

  const user = { env: { ...process.env, KAFKALAB_STATE: STATE }, limitSeconds: LIMIT_SECONDS };
  note("npmUp", (await run(["npm", "run", "up"], user)).seconds);
  note("npmUpAgain", (await run(["npm", "run", "up"], user)).seconds);
  note("npmDestroy", (await run(["npm", "run", "destroy"], user)).seconds);
}

/** A no-op `up` of the lab and of as many empty components, in turn. */
async function noOps(env: Environment, count: number): Promise<void> {
  const components = { ...env, COMPONENTS: String(count) };
  await pulumiIn(EMPTY, components, "stack", "init", "local");
  await pulumiIn(EMPTY, components, ...UP);
  for (let index = 0; index < NO_OPS; index++) {
    note("noOp", unchanged(await pulumi(env, ...UP)).seconds);
    note("emptyNoOp", unchanged(await pulumiIn(EMPTY, components, ...UP)).seconds);
  }
}

async function resources(env: Environment): Promise<number> {
  const { stdout } = await pulumi(env, "stack", "export", "--stack", "local");
  const checkpoint = JSON.parse(stdout) as { deployment: { resources: { type: string }[] } };
  const own = checkpoint.deployment.resources.filter(({ type }) => type !== "pulumi:pulumi:Stack");
  return own.length;
}

function unchanged(finished: Finished): Finished {
  if (!/^Resources:\n +\d+ unchanged\n/m.test(finished.stdout)) {
    throw new Error(`an up that should change nothing did:\n${finished.stdout}`);
  }
  return finished;
}

const UP = ["up", "--stack", "local", "--yes", "--skip-preview"];
const DESTROY = ["destroy", "--stack", "local", "--yes", "--skip-preview"];

const pulumi = (env: Environment, ...args: string[]) => pulumiIn(ROOT, env, ...args);

const pulumiIn = (cwd: string, env: Environment, ...args: string[]) =>
  run(["pulumi", "--non-interactive", "--color", "never", ...args], {
    cwd,
    env,
    limitSeconds: LIMIT_SECONDS,
  });

/** Removes what this run, or a killed one before it, has made. */
async function removeAll(): Promise<void> {
  await run([FLOOR, "--remove"], { env: process.env, limitSeconds: LIMIT_SECONDS });
  if (existsSync(STATE)) {
    const env = { ...process.env, KAFKALAB_STATE: STATE };
    await run([LAB, "destroy"], { env, limitSeconds: LIMIT_SECONDS });
    rmSync(STATE, { recursive: true, force: true });
  }
  rmSync(join(STATE, ".."), { recursive: true, force: true });
}

function note(name: keyof Samples, seconds: number): void {
  if (wasInterrupted()) {
    throw new Error("interrupted");
  }
  (samples[name] ??= []).push(seconds);
  say(`${name} ${seconds.toFixed(1)} s`);
}

function say(text: string): void {
  process.stderr.write(`bench: ${text}\n`);
}

main().catch((error: unknown) => {
  const reason = error instanceof Error ? error.message : String(error);
  say(wasInterrupted() ? "interrupted; what it made is removed" : reason);
  process.exitCode = 1;
});
