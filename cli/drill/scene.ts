import type { DrillLab, LabHost } from "./lab";
import type { Load } from "./load";
import type { Session } from "./session";

const UNDO_SECONDS = 60;

/** What a drill says besides what all of them tell. */
export type Observations = Record<string, number | string | boolean | Record<string, number>>;

/** Where a drill takes place, and what is to be undone after it, however it ends. */
export class Scene {
  readonly observed: Observations = {};
  /** When the fault came, in ms. */
  faultAt: number | undefined;
  /** When the lab was whole again, in ms, if the drill has seen to it itself. */
  wholeAt: number | undefined;
  private readonly undos: (() => Promise<unknown>)[] = [];
  private over = false;

  constructor(
    readonly lab: DrillLab,
    readonly load: Load,
    readonly loadHost: LabHost,
    /** The broker that the fault is for. */
    readonly victim: LabHost,
  ) {}

  /** Notes that the fault comes now. */
  fault(): void {
    this.check();
    this.faultAt = Date.now();
  }

  /** Has something undone at the end of the drill, the last thing first. */
  atEnd(undo: () => Promise<unknown>): void {
    this.check();
    this.undos.push(undo);
  }

  /** Waits until a script says that it is ready, and lets go of it at the end at the latest. */
  async hold(session: Session, seconds: number): Promise<void> {
    this.atEnd(() => this.release(session));
    await session.line("ready", seconds);
    this.check();
  }

  /** Starts `npm run up`, and does not end before it has. */
  up(configFile?: string): Session {
    this.check();
    const up = this.lab.up(configFile);
    this.atEnd(() => up.ended);
    return up;
  }

  /** Waits until the lab is whole again. */
  async whole(): Promise<void> {
    await this.lab.whole();
    this.wholeAt = Date.now();
  }

  /** Lets a script undo what it has done. */
  async release(session: Session): Promise<void> {
    const status = await session.end(UNDO_SECONDS);
    if (status !== 0) {
      throw new Error(`${session.what} ended with ${status}: ${session.lastSeen()}`);
    }
  }

  /** Undoes everything. What a drill that was interrupted still wants to begin, fails. */
  async undo(): Promise<void> {
    this.over = true;
    const errors: unknown[] = [];
    for (const undo of this.undos.splice(0).reverse()) {
      await undo().catch((error: unknown) => errors.push(error));
    }
    if (errors.length > 0) {
      throw errors[0];
    }
  }

  private check(): void {
    if (this.over) {
      throw new Error("the drill is over");
    }
  }
}
