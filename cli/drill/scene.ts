import { rmSync } from "node:fs";
import type { DrillHost, DrillLab } from "./lab";
import type { Load } from "./load";
import type { Session } from "./session";

const READY_SECONDS = 60;
const UNDO_SECONDS = 60;
/** A key that brokers read only when they start. The value works as well as the default. */
const ROLLING = { key: "queued.max.requests", value: "501" };

/** The results of one drill in addition to the common report. */
export type Observations = Record<string, number | string | boolean | Record<string, number>>;

/** The environment of a drill, and the actions that undo its changes in any case. */
export class Scene {
  readonly observed: Observations = {};
  /** Time of the fault, in ms. */
  faultAt: number | undefined;
  /** Time when the lab was whole again, in ms, if the drill itself waited for it. */
  wholeAt: number | undefined;
  private readonly undos: (() => Promise<unknown>)[] = [];
  private over = false;

  constructor(
    readonly lab: DrillLab,
    readonly load: Load,
    readonly loadHost: DrillHost,
    /** The host of the broker that gets the fault. */
    readonly victim: DrillHost,
  ) {}

  /** Records the time of the fault. */
  fault(): void {
    this.check();
    this.faultAt = Date.now();
  }

  /** Registers an action that undoes a change at the end. The last action runs first. */
  atEnd(undo: () => Promise<unknown>): void {
    this.check();
    this.undos.push(undo);
  }

  /** Waits until a script prints `ready`. Releases the script at the end of the drill. */
  async hold(session: Session, seconds = READY_SECONDS): Promise<void> {
    this.atEnd(() => this.release(session));
    await session.line("ready", seconds);
    this.check();
  }

  /** Starts `npm run up`. The drill waits at its end until this command has finished. */
  up(configFile?: string): Session {
    this.check();
    const up = this.lab.up(configFile);
    this.atEnd(() => up.ended);
    return up;
  }

  /** Creates settings that make every broker restart. Restores the lab's own settings at the end. */
  async settingsThatRoll(): Promise<string> {
    const { directory, file } = await this.lab.settingsWith(ROLLING.key, ROLLING.value);
    this.atEnd(async () => {
      rmSync(directory, { recursive: true, force: true });
      await this.lab.up().succeeded();
    });
    return file;
  }

  /**
   * Waits until the lab is whole again.
   *
   * @param neighbour The host from which all brokers are asked. @default each is asked on its own host
   */
  async whole(neighbour?: DrillHost): Promise<void> {
    await this.lab.whole(undefined, neighbour);
    this.wholeAt = Date.now();
  }

  /** Releases a script, which then undoes its changes. */
  async release(session: Session): Promise<void> {
    await session.end(UNDO_SECONDS);
    await session.succeeded();
  }

  /** Undoes all changes. Later actions of an interrupted drill fail. */
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
