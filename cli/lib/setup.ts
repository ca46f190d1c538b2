import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runAttached } from "./child";
import { Refusal } from "./refusal";
import { root } from "./places";
import { defaultReleases } from "./stack-file";

/** The part of the setup that a command needs: see `scripts/dev/setup.sh`. */
export type Scope = "npm" | "tools" | "lab" | "check" | "test";

/** The scopes that each scope includes. */
const INCLUDES: Record<Scope, readonly Scope[]> = {
  npm: ["npm"],
  check: ["npm", "check"],
  tools: ["npm", "tools"],
  lab: ["npm", "lab"],
  test: ["npm", "check", "lab", "test"],
};

/**
 * Whether the command needs more than the setup that `lab.sh` has run.
 *
 * @param made The scope of that setup.
 * @param releases The releases of the stack, as `PRODUCT-VERSION`.
 * @param defaults The releases that each setup of a lab provides.
 */
export function isSetUpNeeded(
  made: string | undefined,
  wanted: Scope,
  releases: readonly string[],
  defaults: readonly string[],
): boolean {
  const includes = (INCLUDES as Record<string, readonly Scope[] | undefined>)[made ?? ""] ?? [];
  return !includes.includes(wanted) || releases.some((release) => !defaults.includes(release));
}

/** Sets up what a command needs and `lab.sh` has not set up yet. */
export async function setUp(wanted: Scope, releases: readonly string[] = []): Promise<void> {
  const defaults = () => defaultReleases(readFileSync(join(root, "Pulumi.yaml"), "utf8"));
  const needed = releases.length === 0 ? [] : defaults();
  if (!isSetUpNeeded(process.env["KAFKALAB_SCOPE"], wanted, releases, needed)) {
    return;
  }
  const settings = [`KAFKALAB_RELEASES=${releases.join(" ")}`, "KAFKALAB_SETUP_QUIET=1"];
  const script = join(root, "scripts/dev/setup.sh");
  const status = await runAttached(["env", ...settings, script, "--scope", wanted]);
  if (status !== 0) {
    throw new SetUpFailed(status);
  }
}

/** The setup has failed and has printed the reason. */
export class SetUpFailed extends Refusal {
  constructor(readonly status: number) {
    super("the setup has failed.");
  }
}
