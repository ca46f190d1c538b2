import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, readdirSync } from "node:fs";
import { basename } from "node:path";
import { CommandError, run } from "../../shared/process";
import { waitFor } from "../../shared/wait";

/**
 * A process of the local cloud that outlives the plugin. Its program and one unique argument, such as the
 * path of its configuration file, identify it. So the local cloud finds it again without a pid file: a
 * plugin could be killed before it writes one.
 */
export interface Daemon {
  argv: readonly string[];
  /** The unique argument, an element of `argv`. */
  mark: string;
  logFile: string;
  /** A command that starts the daemon with `exec`, such as `ip netns exec NAME`. */
  enter?: readonly string[];
  /** Its unit on a machine whose PID 1 is systemd. @default none: the caller starts the process itself */
  unit?: Unit;
}

/**
 * A service of the machine's systemd. It has its own control group, so it outlives the login session of
 * the user who started it. systemd stops it when the machine shuts down.
 */
export interface Unit {
  /** With the suffix `.service`. */
  name: string;
  /** Settings of systemd.service(5) and the like. */
  settings?: readonly string[];
}

/** Whether the machine's PID 1 is systemd: see sd_booted(3). */
export const machineRunsSystemd = () => existsSync("/run/systemd/system");

/** `<pid>:<start time>`. Unlike a pid alone, it never names a later process. */
export function processKey(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state, startTime] = [fields[0], fields[19]]; // proc(5): fields 3 and 22
    return state === "Z" || state === "X" ? undefined : `${pid}:${startTime}`;
  } catch {
    return undefined;
  }
}

/** The pids that were found last, to avoid another search of all processes. */
const found = new Map<string, number>();

/** Returns the pid of the daemon, if it runs. */
export function daemonPid({ argv, mark }: Pick<Daemon, "argv" | "mark">): number | undefined {
  const program = basename(argv[0] ?? "");
  // A forked child has its parent's command line until it calls exec. So the found process may have been
  // a child that is another program by now.
  const isIt = (pid: number) => {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      return basename(words[0] ?? "") === program && words.includes(mark);
    } catch {
      return false; // it has ended
    }
  };
  const last = found.get(mark);
  if (last !== undefined && isIt(last)) {
    return last;
  }
  const pids = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry));
  const pid = pids.map(Number).find(isIt);
  if (pid === undefined) {
    found.delete(mark);
  } else {
    found.set(mark, pid);
  }
  return pid;
}

/** Starts the daemon if it does not run: as a unit if possible, otherwise in its own session. */
export async function startDaemon(daemon: Daemon): Promise<void> {
  if (daemonPid(daemon) !== undefined) {
    return;
  }
  const { unit, enter = [], argv, logFile } = daemon;
  if (unit && machineRunsSystemd()) {
    return startUnit(unit, [...enter, ...argv], logFile);
  }
  const log = openSync(logFile, "a", 0o600);
  const [program = "", ...args] = [...enter, ...argv];
  const child = spawn(program, args, { detached: true, stdio: ["ignore", log, log] });
  closeSync(log);
  child.on("error", () => undefined); // the code below notices that there is no pid
  child.unref();
  if (child.pid === undefined) {
    throw new Error(`${argv.join(" ")} did not start; is ${program} installed?`);
  }
}

async function startUnit(unit: Unit, argv: readonly string[], logFile: string): Promise<void> {
  closeSync(openSync(logFile, "a", 0o600)); // systemd would create it readable for everybody
  const settings = [
    "Type=exec",
    "TimeoutStopSec=5s",
    `StandardOutput=append:${logFile}`,
    `StandardError=append:${logFile}`,
    ...(unit.settings ?? []),
  ];
  await run([
    ...["systemd-run", "--quiet", "--collect", `--unit=${unit.name}`],
    ...settings.map((setting) => `--property=${setting}`),
    "--",
    ...argv.map((word) => word.replaceAll("$", "$$$$")), // systemd expands variables
  ]);
}

/** Stops the daemon if it runs, and waits until it has ended. */
export async function stopDaemon(
  daemon: Pick<Daemon, "argv" | "mark" | "unit">,
  signal: "SIGTERM" | "SIGKILL" = "SIGTERM",
  seconds = 5,
): Promise<void> {
  if (daemon.unit && machineRunsSystemd()) {
    await stopUnit(daemon.unit, signal);
  }
  const pid = daemonPid(daemon);
  if (pid === undefined) {
    return;
  }
  process.kill(pid, signal);
  await untilEnded(pid, `process ${pid} (${daemon.argv.join(" ")})`, seconds);
}

/** Waits until a process has ended. It does not have to be a child process. */
export function untilEnded(pid: number, what: string, seconds: number): Promise<true> {
  return waitFor<true>({ what, state: "ended", seconds, intervalMs: 10 }, () => {
    const key = processKey(pid);
    return key === undefined ? { done: true } : { seen: key };
  });
}

/** Kills a process if it still exists. */
export function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it has ended
  }
}

const NOT_LOADED = 5; // systemctl(1)

async function stopUnit({ name }: Unit, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  if (signal === "SIGKILL") {
    await run(["systemctl", "kill", "--signal=SIGKILL", name]).catch(() => undefined); // not loaded
  }
  await run(["systemctl", "stop", name]).catch((error: unknown) => {
    if (!(error instanceof CommandError && error.status === NOT_LOADED)) {
      throw error;
    }
  });
}
