import { describeTrial } from "../machine/trial";

/*
 * The short form of test/full/systemd-machine.test.ts.
 */

describeTrial({ name: "Debian 13", suite: "trixie" });
