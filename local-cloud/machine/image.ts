import { readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { labDir } from "./paths";

/** The host image that the setup built for this checkout. It is the local cloud's only AMI. */
export interface Image {
  amiId: string;
  name: string;
  /** EC2's name: `x86_64` or `arm64`. */
  architecture: string;
  /** ISO 8601. */
  created: string;
  /** Path of the read-only root file system. */
  root: string;
}

/**
 * Reads the image's description from `.lab/`.
 *
 * @throws Error if the setup has not run.
 */
export function image(): Image {
  try {
    const description = JSON.parse(readFileSync(join(labDir, "image.json"), "utf8")) as Image;
    return { ...description, root: realpathSync(join(labDir, "image")) };
  } catch (error) {
    throw new Error(`no host image in ${labDir}: run "npm run setup"`, { cause: error });
  }
}
