import type { EndSignal } from "../lib/child";

/** Moves the cursor of a terminal to its first line and erases everything. */
const CLEAR = "\u001b[H\u001b[2J";

/** How a picture is shown again and again. */
export interface WatchOptions {
  /** The time between two looks. */
  seconds: number;
  /** Whether each picture replaces the one before it, as on a terminal. */
  replaces: boolean;
  /** What the user is shown. */
  write: (text: string) => void;
  end: Pick<EndSignal, "status">;
}

/**
 * Shows a picture again and again, until a signal comes.
 *
 * @param look Makes the picture. It takes as long as the lab needs to answer.
 * @returns The exit status for the signal.
 */
export async function watch(look: () => Promise<string>, options: WatchOptions): Promise<number> {
  const { seconds, replaces, write, end } = options;
  for (;;) {
    const picture = await Promise.race([look(), end.status]);
    if (typeof picture === "number") {
      return picture;
    }
    write(replaces ? `${CLEAR}${picture}\n` : `${picture}\n`);
    let timer: NodeJS.Timeout | undefined;
    const pause = new Promise<void>((resolve) => (timer = setTimeout(resolve, seconds * 1000)));
    const status = await Promise.race([pause, end.status]);
    clearTimeout(timer);
    if (typeof status === "number") {
      return status;
    }
  }
}
