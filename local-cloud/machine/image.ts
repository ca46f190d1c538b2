import { readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { labDir } from "./paths";

/** The host image that set-up built for this checkout: the local cloud's only AMI. */
export interface Image {
  amiId: string;
  name: string;
  /** As EC2 spells it: `x86_64` or `arm64`. */
  architecture: string;
  /** ISO 8601. */
  created: string;
  /** Its root file system, read only. */
  root: string;
}

/**
 * Reads what set-up left in `.lab/`.
 *
 * @throws Error if set-up has not been run.
 */
export function image(): Image {
  try {
    const description = JSON.parse(readFileSync(join(labDir, "image.json"), "utf8")) as Image;
    return { ...description, root: realpathSync(join(labDir, "image")) };
  } catch (error) {
    throw new Error(`no host image in ${labDir}: run "npm run setup"`, { cause: error });
  }
}
