import type { Lab } from "./lab";
import { lastLine, type Running, waitFor } from "./run";

const OPEN_SECONDS = 60;

/** `npm run tunnel`, which lasts until it is closed. A lab kills its commands after `upSeconds`. */
export class Tunnel {
  private constructor(private readonly running: Running) {}

  static async open(lab: Lab): Promise<Tunnel> {
    const running = lab.start("tunnel");
    let ended = false;
    void running.ended.finally(() => (ended = true)).catch(() => undefined);
    await waitFor("the tunnel", "open", OPEN_SECONDS, () => {
      if (ended) {
        throw new Error(`the tunnel ended: ${running.output()}`);
      }
      return running.output().includes(" is open.") ? {} : lastLine(running.output());
    });
    return new Tunnel(running);
  }

  async close(): Promise<void> {
    process.kill(this.running.pid, "SIGTERM");
    await this.running.ended;
  }
}
