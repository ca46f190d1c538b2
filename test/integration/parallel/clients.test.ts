import { expect, test } from "vitest";
import { Client, clientBootstrap, CLIENTS, expectExact } from "../../support/clients";
import { useLab } from "../../support/lab";

/*
 * Clients in five languages on this machine, outside of all hosts, with the lab as it is by default.
 */

const clients = new Map<string, Client>();

const lab = useLab("clients", async () => {
  await lab.up();
  for (const name of CLIENTS) {
    clients.set(name, await Client.here(name));
  }
});

test.each(CLIENTS)("%s produces, consumes in a group and uses transactions", async (name) => {
  const report = await clients.get(name)?.run(await clientBootstrap(lab));
  expect(report?.client).toBe(name);
  expectExact(report!);
});
