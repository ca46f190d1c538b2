import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "./message-of";

/** The condition to wait for, and the time limit. */
export interface Wait {
  /** `the Kafka cluster` */
  what: string;
  /** `whole` */
  state: string;
  seconds: number;
  /** Where to find the cause of a timeout: `journalctl -u kafka-server on each broker`. @default none */
  logs?: string;
  /** @default 100 */
  intervalMs?: number;
}

/** The result of one check: the wanted result, or a description of the current state. */
export type Look<Found> = { done: Found } | { seen: string };

/** The time limit of a wait expired. */
export class WaitError extends Error {
  constructor(
    message: string,
    /** The state that the last check found. */
    readonly seen: string,
  ) {
    super(message);
  }
}

/**
 * Calls `look` repeatedly until it returns a result, and returns that result.
 *
 * @throws WaitError that contains the last seen state. An error of `look` ends the wait at once.
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
      const message = `${what} not ${state} after ${seconds} s; last saw ${found.seen}${where}`;
      throw new WaitError(message, found.seen);
    }
    await delay(intervalMs);
  }
}

/** Reports an error of a look as what the look saw, so that the wait goes on. */
export function despiteErrors<Found>(
  look: () => Look<Found> | Promise<Look<Found>>,
): () => Promise<Look<Found>> {
  return async () => {
    try {
      return await look();
    } catch (error) {
      return { seen: messageOf(error) };
    }
  };
}
