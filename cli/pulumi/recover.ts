import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { run } from "../../shared/process";
import { backendUrl } from "../lib/environment";
import { tell } from "../lib/output";
import { cacheDir } from "../lib/places";
import { backendDir, stateFile } from "./backend";

/** How long a process that is ended may take before it is killed. */
const END_SECONDS = 5;

/**
 * Makes Pulumi's state of a local stack usable after a run that was killed. Such a run leaves its lock,
 * and each later run would refuse to work. The lock goes if it is of this machine and its process is no
 * more; what that process had started goes with it.
 */
export async function recoverState(stack: string): Promise<void> {
  if (removeStaleLocks(stack)) {
    return; // Pulumi says who holds it
  }
  await endOrphans();
  await forgetPendingOperations(stack);
}

/** Removes locks whose holders are gone, and returns whether another one is held. */
function removeStaleLocks(stack: string): boolean {
  const directory = join(backendDir, "locks/organization/kafkalab", stack);
  const names = existsSync(directory) ? readdirSync(directory) : [];
  let held = false;
  for (const name of names.filter((each) => each.endsWith(".json"))) {
    const file = join(directory, name);
    const pid = staleHolder(file);
    if (pid === undefined) {
      held = true;
    } else {
      tell(`an earlier run (process ${pid}) was killed; its lock on the stack ${stack} is removed`);
      rmSync(file, { force: true });
      rmSync(`${file}.attrs`, { force: true });
    }
  }
  return held;
}

/** The process that took this lock, if it was one of this machine and is no more. */
function staleHolder(file: string): number | undefined {
  try {
    const lock = JSON.parse(readFileSync(file, "utf8")) as { pid?: number; hostname?: string };
    const { pid } = lock;
    return lock.hostname === hostname() && pid !== undefined && !holds(pid) ? pid : undefined;
  } catch {
    return undefined; // just ended, or being written
  }
}

/** Whether this process is a Pulumi, and not another one that got its number. */
function isPulumi(pid: number): boolean {
  return /\/pulumi( \(deleted\))?$/.test(executableOf(pid));
}

/** Whether the holder of a lock still runs: a Pulumi, or one of these commands. */
function holds(pid: number): boolean {
  return isPulumi(pid) || read(pid, "cmdline").some((part) => /(^|\/)cli\/main\.mjs$/.test(part));
}

function executableOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return ""; // gone, or a thread of the kernel
  }
}

/** What `/proc` has of a process, in its parts. */
function read(pid: number, name: "cmdline" | "environ"): string[] {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8").split("\0");
  } catch {
    return []; // gone
  }
}

/**
 * Ends language hosts and plugins whose Pulumi is gone. Three marks tell them: they come from this
 * project's tools or plugins, they work on this state directory, and no Pulumi is among their parents.
 */
async function endOrphans(): Promise<void> {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number); // prettier-ignore
  const orphans = pids.filter(
    (pid) => isToolOfPulumi(pid) && isOfThisState(pid) && !hasPulumi(pid),
  );
  if (orphans.length === 0) {
    return;
  }
  tell(`ending what the killed run left behind: ${orphans.join(" ")}`);
  const signal = (name: NodeJS.Signals | 0) =>
    orphans.filter((pid) => {
      try {
        return process.kill(pid, name);
      } catch {
        return false; // gone
      }
    });
  signal("SIGTERM");
  const deadline = performance.now() + END_SECONDS * 1000;
  while (signal(0).length > 0 && performance.now() < deadline) {
    await delay(100);
  }
  signal("SIGKILL");
}

function isToolOfPulumi(pid: number): boolean {
  const executable = executableOf(pid);
  if (executable.endsWith("/node")) {
    const command = read(pid, "cmdline");
    return command.some((part) => /(^|\/)aws\.cjs$|@pulumi\/pulumi\/cmd\/run/.test(part));
  }
  return (
    executable.startsWith(`${cacheDir}/plugins/`) ||
    new RegExp("^/tools/[^/]+/pulumi-language-").test(executable.replace(cacheDir, ""))
  );
}

const isOfThisState = (pid: number) =>
  read(pid, "environ").includes(`PULUMI_BACKEND_URL=${backendUrl()}`);

function hasPulumi(pid: number): boolean {
  for (let each = pid; each > 1; each = parentOf(each)) {
    if (isPulumi(each)) {
      return true;
    }
  }
  return false;
}

function parentOf(pid: number): number {
  try {
    return Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0; // gone
  }
}

/**
 * Pulumi would warn of what was being created then, at each run, until someone has looked. There is
 * nothing to look for: the local cloud removes what no state knows, and commands run again.
 */
async function forgetPendingOperations(stack: string): Promise<void> {
  const file = stateFile(stack);
  if (!existsSync(file) || !hasPendingOperations(readFileSync(file, "utf8"))) {
    return;
  }
  tell("forgetting the operations that the killed run had begun");
  const exported = JSON.parse(await run(["pulumi", "stack", "export", "--stack", stack])) as {
    deployment: { pending_operations?: unknown };
  };
  delete exported.deployment.pending_operations;
  await run(["pulumi", "stack", "import", "--stack", stack], JSON.stringify(exported));
}

/** Whether the text of a state file names operations that were under way. */
export function hasPendingOperations(text: string): boolean {
  try {
    const { checkpoint } = JSON.parse(text) as {
      checkpoint?: { latest?: { pending_operations?: unknown[] | null } | null };
    };
    return (checkpoint?.latest?.pending_operations ?? []).length > 0;
  } catch {
    return false; // cannot be read, which other checks say
  }
}
