import type { Scene } from "./scene";

/** A drill: causes a failure that the lab must survive. */
export interface Drill {
  name: string;
  /** What happens, in one line. */
  what: string;
  /** Why the drill works only on the local target. @default it also works on AWS */
  localOnly?: string;
  /** The drill runs `npm run up`. It requires a lab without pending changes, which `up` would apply. */
  runsUp?: true;
  /** Causes the failure and, unless the lab recovers by itself, repairs it. */
  run(scene: Scene): Promise<void>;
}
