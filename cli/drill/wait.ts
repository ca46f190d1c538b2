import { waitUntil } from "../../shared/wait";

const INTERVAL_MS = 200;

/** Waits until `probe` says true. What it says instead is what it saw; so is an error of it. */
export async function waitFor(
  what: string,
  state: string,
  seconds: number,
  probe: () => Promise<true | string> | true | string,
): Promise<void> {
  let seen: true | string;
  await waitUntil(
    async () => {
      try {
        seen = await probe();
      } catch (error) {
        seen = (error as Error).message;
      }
      return seen === true;
    },
    seconds * 1000,
    () => `${what} not ${state} after ${seconds}s; last saw ${seen}`,
    INTERVAL_MS,
  );
}

/** Lets some time go by, while a fault lasts. */
export function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
