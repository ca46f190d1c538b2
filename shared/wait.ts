import { setTimeout as delay } from "node:timers/promises";

/** What is waited for, and for how long. */
export interface Wait {
  /** `the Kafka cluster` */
  what: string;
  /** `whole` */
  state: string;
  seconds: number;
  /** Where a reader finds out why: `journalctl -u kafka-server on each broker`. @default none */
  logs?: string;
  /** @default 100 */
  intervalMs?: number;
}

/** What a look has found: the state that was waited for, or a description of the present one. */
export type Look<Found> = { done: Found } | { seen: string };

/**
 * Looks again and again until it finds the wanted state, and returns what the look found.
 *
 * @throws Error that names the state that it saw last. An error of `look` ends the wait at once.
 */
export async function waitFor<Found>(
  { what, state, seconds, logs, intervalMs = 100 }: Wait,
  look: () => Look<Found> | Promise<Look<Found>>,
): Promise<Found> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if ("done" in found) {
      return found.done;
    }
    if (performance.now() >= deadline) {
      const where = logs === undefined ? "" : `; logs: ${logs}`;
      throw new Error(`${what} not ${state} after ${seconds} s; last saw ${found.seen}${where}`);
    }
    await delay(intervalMs);
  }
}
