import { test } from "vitest";
import { Client, clientBootstrap, CLIENTS, expectExact } from "../support/clients";
import { useLab } from "../support/lab";

/*
 * Clients in five languages on this machine, outside of all hosts, with the lab as it is by default.
 */

const lab = useLab("clients", () => lab.up());

test.each(CLIENTS)("%s produces, consumes in a group and uses transactions", async (name) => {
  const client = await Client.here(name);
  expectExact(await client.run(await clientBootstrap(lab)));
});
