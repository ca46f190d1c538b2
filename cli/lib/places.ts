import { join } from "node:path";
import { stateDir } from "../../local-cloud/machine/paths";

/** The checkout. `lab.sh` starts the commands there. */
export const root = process.cwd();

/** What set-up made for this checkout. */
export const labDir = join(root, ".lab");

/** What set-ups of all checkouts share. `lab.sh` has checked and resolved it. */
export const cacheDir = process.env["KAFKALAB_CACHE"] ?? "/var/cache/kafkalab";

export { stateDir };
