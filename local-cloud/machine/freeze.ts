import { spawn } from "node:child_process";
import { setMaxListeners } from "node:events";
import { createInterface } from "node:readline";
import { mountPointsOf } from "./attachments";
import { controlGroup } from "./control-groups";
import { systemdPid } from "./host-process";
import { loopDevice } from "./volume";

/** What must stand still for the instance's disks to be copied. */
export interface FreezePoints {
  /** The directory of its control group. */
  group: string;
  /** Where the machine sees the file systems on its volumes, each once. */
  mounts: string[];
}

/**
 * What must stand still for the disks of an instance that is powered on to be copied.
 *
 * @returns undefined if it is not up yet, or not any more.
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

/** How long the hosts were still, and what was done meanwhile. */
export interface Frozen<T> {
  result: T;
  ms: number;
}

/** Raised when the hosts had to go on before all was done. */
export class ThawedTooEarly extends Error {}

/**
 * Holds the processes and the file systems of hosts still, all at once, while `action` runs. What a
 * host has received by then, another has sent by then: what their disks hold is one point in time.
 *
 * They go on when `action` ends, when `limitSeconds` have passed, and when this process ends, however
 * it does: a process of its own keeps them still, and sees the end of its input.
 *
 * @param action Gets a signal that the time is up.
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
    // In a session of its own: an interrupt from the keyboard is not for it.
    { detached: true, stdio: ["pipe", "pipe", "pipe"] },
  );
  keeper.stdin.on("error", () => undefined); // it has ended by itself
  let stderr = "";
  keeper.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const said = createInterface(keeper.stdout)[Symbol.asyncIterator]();
  const next = async () => ((await said.next()) as { value?: string }).value;

  if ((await next()) !== "frozen") {
    throw new Error(`the hosts could not be held still: ${stderr.trim() || "no message"}`);
  }
  const late = AbortSignal.timeout((limitSeconds - 1) * 1000);
  setMaxListeners(0, late); // one for each disk
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
 * Processes first, so that nobody waits for a file system that stands still; and in reverse at the
 * end. A group that is gone, since its host was powered off meanwhile, needs no thawing.
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
