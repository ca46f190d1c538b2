import { spawn } from "node:child_process";
import { setMaxListeners } from "node:events";
import { createInterface } from "node:readline";
import { mountPointsOf } from "./attachments";
import { controlGroup } from "./control-groups";
import { systemdPid } from "./host-process";
import { loopDevice } from "./volume";

/** The parts of an instance to freeze while its disks are copied. */
export interface FreezePoints {
  /** The directory of its control group. */
  group: string;
  /** The machine's paths to the file systems on its volumes, one path for each. */
  mounts: string[];
}

/**
 * Returns the parts of a running instance to freeze while its disks are copied.
 *
 * @returns Undefined if the instance is booting or shut down.
 */
export async function freezePoints(
  id: string,
  volumeIds: string[],
): Promise<FreezePoints | undefined> {
  const pid = systemdPid(id);
  const group = await controlGroup(id);
  if (pid === undefined || group === undefined) {
    return undefined;
  }
  const mounts = volumeIds.flatMap((volumeId) => {
    const device = loopDevice(volumeId);
    return device === undefined ? [] : mountPointsOf(pid, device).slice(0, 1);
  });
  return { group, mounts: mounts.map((path) => `/proc/${pid}/root${path}`) };
}

/** The result of the action, and how long the hosts were frozen. */
export interface Frozen<T> {
  result: T;
  ms: number;
}

/** The time limit expired before the action was done. */
export class ThawedTooEarly extends Error {}

/**
 * Freezes the processes and the file systems of all hosts while `action` runs. The freeze overlaps on all
 * hosts, so their disks together represent one point in time.
 *
 * The hosts continue when `action` ends, after `limitSeconds`, or when this process ends for any reason: a
 * separate process freezes them, and thaws them at the end of its input.
 *
 * @param action Gets an abort signal for the time limit.
 * @throws ThawedTooEarly if `action` did not end in time.
 */
export async function whileFrozen<T>(
  points: FreezePoints[],
  limitSeconds: number,
  action: (signal: AbortSignal) => Promise<T>,
): Promise<Frozen<T>> {
  const groups = points.map(({ group }) => group);
  const mounts = points.flatMap((point) => point.mounts);
  const keeper = spawn(
    "bash",
    ["-c", KEEPER, "kafkalab-keeper", `${limitSeconds}`, ...groups, "--", ...mounts],
    // A session of its own keeps an interrupt from the keyboard away.
    { detached: true, stdio: ["pipe", "pipe", "pipe"] },
  );
  keeper.stdin.on("error", () => undefined); // the keeper may have ended
  let stderr = "";
  keeper.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const said = createInterface(keeper.stdout)[Symbol.asyncIterator]();
  const next = async () => ((await said.next()) as { value?: string }).value;

  if ((await next()) !== "frozen") {
    throw new Error(`cannot freeze the hosts: ${stderr.trim() || "no message"}`);
  }
  const late = AbortSignal.timeout((limitSeconds - 1) * 1000);
  setMaxListeners(0, late); // each disk adds a listener
  let result: T;
  try {
    result = await action(late);
  } catch (error) {
    if (!late.aborted) {
      throw error;
    }
    throw new ThawedTooEarly(`not done after ${limitSeconds - 1}s`, { cause: error });
  } finally {
    keeper.stdin.end("thaw\n");
  }
  const [verdict, ms] = ((await next()) ?? "").split(" ");
  if (verdict !== "held") {
    throw new ThawedTooEarly(`not done after ${limitSeconds}s`);
  }
  return { result, ms: Number(ms) };
}

/*
 * Freezes processes first, so that none blocks on a frozen file system, and thaws in reverse order. The
 * group of a host that was powered off meanwhile no longer exists and needs no thawing.
 */
const KEEPER = `
trap '' INT TERM HUP
limit=$1
shift
groups=() mounts=() still=()
while [ "$1" != "--" ]; do groups+=("$1"); shift; done
shift
mounts=("$@")

now() { echo $((\${EPOCHREALTIME/./} / 1000)); }
thaw() {
  for mount in "\${still[@]}"; do fsfreeze --unfreeze "$mount"; done
  for group in "\${groups[@]}"; do [ ! -e "$group" ] || echo 0 >"$group/cgroup.freeze"; done
}
fail() { echo "$*" >&2; thaw; exit 1; }

began=$(now)
for group in "\${groups[@]}"; do
  echo 1 >"$group/cgroup.freeze" || fail "$group cannot be frozen"
done
for group in "\${groups[@]}"; do
  until grep -qx 'frozen 1' "$group/cgroup.events"; do
    [ $(($(now) - began)) -lt 3000 ] || fail "$group not frozen after 3s"
    sleep 0.01
  done
done
declare -A job=()
for mount in "\${mounts[@]}"; do fsfreeze --freeze "$mount" & job[$mount]=$!; done
failed=
for mount in "\${mounts[@]}"; do
  if wait "\${job[$mount]}"; then still+=("$mount"); else failed=$mount; fi
done
[ -z "$failed" ] || fail "the file system at $failed cannot be frozen"
echo frozen
verdict=held
read -r -t "$limit" || verdict=late
thaw
echo "$verdict $(($(now) - began))"
`;
