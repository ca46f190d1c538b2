import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { run, type Environment, type Finished } from "./run";

/** The directory of all files of a bench, except the cache. */
export const TOP = "/var/lib/kafkalab-bench";

/**
 * The state directory of the bench's own lab, independent of the user's lab. With KEEP=1 a failed bench keeps
 * it, so that the user can inspect it: KAFKALAB_STATE=/var/lib/kafkalab-bench/lab npm run status.
 */
export const STATE = join(TOP, "lab");
export const ROOT = join(__dirname, "..");
export const LIMIT_SECONDS = 300;
export const UP = ["up", "--stack", "local", "--yes", "--skip-preview"];
export const DESTROY = ["destroy", "--stack", "local", "--yes", "--skip-preview"];

const LAB = join(ROOT, "scripts/dev/lab.sh");

/** Runs the setup, and returns Pulumi's environment for the lab of the bench. */
export async function enter(): Promise<Environment> {
  const { stdout } = await run(["bash", "-c", 'eval "$("$0" env)" && env -0', LAB], {
    env: { ...process.env, KAFKALAB_STATE: STATE },
    limitSeconds: 3600, // this may be the machine's first setup
  });
  return Object.fromEntries(
    stdout
      .split("\0")
      .filter((entry) => entry.includes("="))
      .map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]),
  );
}

/** Runs pulumi with the lab's program. */
export const pulumi = (env: Environment, ...args: string[]) => pulumiIn(ROOT, env, ...args);

/** Runs pulumi with the program of a directory. */
export const pulumiIn = (cwd: string, env: Environment, ...args: string[]) =>
  run(["pulumi", "--non-interactive", "--color", "never", ...args], {
    cwd,
    env,
    limitSeconds: LIMIT_SECONDS,
  });

/** Runs one of the lab's commands like a user: `npm run COMMAND`. */
export const npmRun = (...args: string[]) =>
  run(["npm", "run", ...args], {
    cwd: ROOT,
    env: { ...process.env, KAFKALAB_STATE: STATE },
    limitSeconds: LIMIT_SECONDS,
  });

/** The settings of the stack, as strings. */
export async function settings(env: Environment): Promise<Record<string, string>> {
  const { stdout } = await pulumi(env, "stack", "init", "local").then(() =>
    pulumi(env, "config", "--json", "--stack", "local"),
  );
  await removeStack(env);
  const config = JSON.parse(stdout) as Record<string, { value: string }>;
  return Object.fromEntries(Object.entries(config).map(([name, { value }]) => [name, value]));
}

/** Writes the stack's settings and additional ones, which override them, to a file for `--config-file`. */
export function writeConfig(file: string, further: Record<string, unknown>): string {
  const stack = parse(readFileSync(join(ROOT, "Pulumi.local.yaml"), "utf8")) as { config: object };
  writeFileSync(file, stringify({ ...stack, config: { ...stack.config, ...further } }));
  return file;
}

/** Removes an empty stack. */
export const removeStack = (env: Environment, cwd = ROOT) =>
  pulumiIn(cwd, env, "stack", "rm", "--stack", "local", "--yes", "--preserve-config");

/** The number of resources in the stack, without the stack itself. */
export async function resources(env: Environment): Promise<number> {
  const { stdout } = await pulumi(env, "stack", "export", "--stack", "local");
  const checkpoint = JSON.parse(stdout) as { deployment: { resources: { type: string }[] } };
  const own = checkpoint.deployment.resources.filter(({ type }) => type !== "pulumi:pulumi:Stack");
  return own.length;
}

/** Throws if an `up` has changed something. */
export function unchanged(finished: Finished): Finished {
  if (!/^Resources:\n +\d+ unchanged\n/m.test(finished.stdout)) {
    throw new Error(`an up that should change nothing did:\n${finished.stdout}`);
  }
  return finished;
}

/** Removes the lab, including leftovers of a killed run. */
export async function removeLab(): Promise<void> {
  if (existsSync(STATE)) {
    const env = { ...process.env, KAFKALAB_STATE: STATE };
    await run([LAB, "destroy"], { env, limitSeconds: LIMIT_SECONDS });
    rmSync(STATE, { recursive: true, force: true });
  }
}
