import { messageOf } from "../../shared/message-of";
import * as wait from "../../shared/wait";

const INTERVAL_MS = 200;

/** Waits until `probe` says true. What it says instead is what it saw; so is an error of it. */
export async function waitFor(
  what: string,
  state: string,
  seconds: number,
  probe: () => Promise<true | string> | true | string,
): Promise<void> {
  await wait.waitFor<true>({ what, state, seconds, intervalMs: INTERVAL_MS }, async () => {
    try {
      const seen = await probe();
      return seen === true ? { done: true } : { seen };
    } catch (error) {
      return { seen: messageOf(error) };
    }
  });
}

/** Lets some time go by, while a fault lasts. */
export function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
