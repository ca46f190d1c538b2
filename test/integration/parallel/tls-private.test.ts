import { afterAll, test } from "vitest";
import { useLab } from "../../support/lab";
import { expectWorks, SMALL_WITH_USERS } from "../../support/secured-lab";
import { Tunnel } from "../../support/tunnel";

/*
 * Hosts behind a bastion in each secured mode: clients come through the tunnel. Each test starts from what
 * the one before it left.
 */

const PRIVATE = { ...SMALL_WITH_USERS, topology: "private" };

let tunnel: Tunnel | undefined;
const lab = useLab("tls-private", () => changeTo("tls"));

afterAll(() => tunnel?.close());

async function changeTo(security: unknown): Promise<void> {
  await tunnel?.close();
  tunnel = undefined;
  lab.configure({ ...PRIVATE, security });
  await lab.up();
  tunnel = await Tunnel.open(lab);
}

test("in tls, a user comes through the tunnel", async () => {
  await expectWorks(lab, "alice");
});

test("in sasl, a user comes through the tunnel", async () => {
  await changeTo({ from: "tls", to: "sasl" });
  await changeTo("sasl");
  await expectWorks(lab, "alice");
  await lab.expectNoChanges();
});
