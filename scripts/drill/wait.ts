const INTERVAL_MS = 200;

/** Waits until `probe` says true. What it says instead is what it saw; so is an error of it. */
export async function waitFor(
  what: string,
  state: string,
  seconds: number,
  probe: () => Promise<true | string> | true | string,
): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    let seen: true | string;
    try {
      seen = await probe();
    } catch (error) {
      seen = (error as Error).message;
    }
    if (seen === true) {
      return;
    }
    if (Date.now() > deadline) {
      throw new Error(`${what} not ${state} after ${seconds}s; last saw ${seen}`);
    }
    await pause(INTERVAL_MS / 1000);
  }
}

/** Lets some time go by, while a fault lasts. */
export function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
