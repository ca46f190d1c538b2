import type { SshHost } from "./host";
import { report } from "./progress";

/** How long an operator waits for another operator to finish. */
const LOCK_SECONDS = 600;
/** The host releases the lock if the operator sends nothing for this long. */
const SILENCE_SECONDS = 60;
const BEAT_MS = 15_000;
/** The process on the host prints this while another operator holds the lock. */
const WAITING = "waiting";
/** The exit status of that process if it has not got the lock in time. */
const TAKEN = 75;

/**
 * Runs `action` while no other operator works on the same cluster.
 *
 * A process on `host` holds a file lock while its SSH session is open and the operator sends a line
 * every 15 s. So the host releases the lock even if the operator's machine loses power.
 *
 * @throws Error if another operator has not finished after 600 s. Also if the lock is lost, because the
 *   connection broke or this machine slept. `action` may then still run, so the caller must exit.
 */
export async function withLock<T>(
  host: Pick<SshHost, "name" | "hold">,
  cluster: string,
  action: () => Promise<T>,
): Promise<T> {
  const file = `/run/lock/kafkalab-${cluster}`;
  const channel = await host.hold(
    `exec 9>${file}; flock -n 9 || { echo ${WAITING}; flock -w ${LOCK_SECONDS} -E ${TAKEN} 9; } || exit; ` +
      `echo locked; while read -r -t ${SILENCE_SECONDS} _; do :; done`,
  );
  let isHeld = false;
  const lost = new Promise<never>((_, reject) => {
    channel.once("close", (status?: number | null) => {
      reject(
        new Error(
          isHeld
            ? `${host.name}: the lock of the ${cluster} cluster was lost with the connection; run up again to go on`
            : status === TAKEN
              ? `${host.name}: another operator still works on the ${cluster} cluster after ${LOCK_SECONDS} s`
              : `${host.name}: cannot lock the ${cluster} cluster: status ${status ?? "unknown"}`,
        ),
      );
    });
  });
  lost.catch(() => undefined);
  const locked = new Promise<void>((resolve) => {
    channel.on("data", (line: Buffer) => {
      if (line.toString().includes("locked")) {
        resolve();
      } else {
        report(
          `${host.name}: another operator works on the ${cluster} cluster; waiting until it ends`,
        );
      }
    });
  });
  await Promise.race([locked, lost]);
  isHeld = true;
  const beat = setInterval(() => channel.write("\n"), BEAT_MS);
  try {
    return await Promise.race([action(), lost]);
  } finally {
    clearInterval(beat);
    channel.close();
  }
}
