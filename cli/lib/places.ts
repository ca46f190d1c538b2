import { join } from "node:path";
import { stateDir } from "../../local-cloud/machine/paths";

/** The checkout. `lab.sh` starts the commands there. */
export const root = process.cwd();

/** The files that the setup created for this checkout. */
export const labDir = join(root, ".lab");

/** The cache that all checkouts share. `lab.sh` has checked and resolved the path. */
export const cacheDir = process.env["KAFKALAB_CACHE"] ?? "/var/cache/kafkalab";

export { stateDir };
