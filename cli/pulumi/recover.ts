import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { run } from "../../shared/process";
import { backendUrl } from "../lib/environment";
import { tell } from "../lib/output";
import { cacheDir } from "../lib/places";
import { backendDir, stateFile } from "./backend";

/** How long a process may take to end before it is killed. */
const END_SECONDS = 5;

/**
 * Makes Pulumi's state of a local stack usable after a killed run. Such a run leaves its lock, and Pulumi
 * would reject all later runs. This function removes the lock if it is from this machine and its process has
 * ended. It also ends the child processes of the killed run.
 */
export async function recoverState(stack: string): Promise<void> {
  if (removeStaleLocks(stack)) {
    return; // Pulumi prints the holder of the lock
  }
  await endOrphans();
  await forgetPendingOperations(stack);
}

/** Removes locks whose holders have ended. Returns whether another lock is held. */
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

/** Returns the holder of the lock if it was a process of this machine and has ended. */
function staleHolder(file: string): number | undefined {
  try {
    const lock = JSON.parse(readFileSync(file, "utf8")) as { pid?: number; hostname?: string };
    const { pid } = lock;
    return lock.hostname === hostname() && pid !== undefined && !holds(pid) ? pid : undefined;
  } catch {
    return undefined; // the holder has just ended, or is writing the file
  }
}

/** Whether the process is Pulumi, and not a later process with the same pid. */
function isPulumi(pid: number): boolean {
  return /\/pulumi( \(deleted\))?$/.test(executableOf(pid));
}

/** Whether the holder of a lock, Pulumi or one of these commands, still runs. */
function holds(pid: number): boolean {
  return isPulumi(pid) || read(pid, "cmdline").some((part) => /(^|\/)cli\/main\.mjs$/.test(part));
}

function executableOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return ""; // it has ended, or is a kernel thread
  }
}

/** Reads a list of strings from a process's directory in `/proc`. */
function read(pid: number, name: "cmdline" | "environ"): string[] {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8").split("\0");
  } catch {
    return []; // it has ended
  }
}

/**
 * Ends language hosts and plugins whose Pulumi has ended. Three properties identify them: their program is
 * one of this project's tools or plugins, they use this state directory, and no ancestor is Pulumi.
 */
async function endOrphans(): Promise<void> {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number); // prettier-ignore
  const orphans = pids.filter(
    (pid) => isToolOfPulumi(pid) && isOfThisState(pid) && !hasPulumi(pid),
  );
  if (orphans.length === 0) {
    return;
  }
  tell(`ending processes that the killed run left behind: ${orphans.join(" ")}`);
  const signal = (name: NodeJS.Signals | 0) =>
    orphans.filter((pid) => {
      try {
        return process.kill(pid, name);
      } catch {
        return false; // it has ended
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
    return 0; // it has ended
  }
}

/**
 * Removes pending operations from the state. Otherwise Pulumi would warn in each run that the user must
 * check them. No check is needed: the local cloud removes resources that no state contains, and commands
 * run again.
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

/** Whether a state file contains pending operations. */
export function hasPendingOperations(text: string): boolean {
  try {
    const { checkpoint } = JSON.parse(text) as {
      checkpoint?: { latest?: { pending_operations?: unknown[] | null } | null };
    };
    return (checkpoint?.latest?.pending_operations ?? []).length > 0;
  } catch {
    return false; // the file is unreadable, which other checks report
  }
}
