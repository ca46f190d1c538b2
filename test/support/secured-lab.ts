import { z } from "zod";
import { type ClientSecurity, securityOf, securityOutput } from "../../cli/clients/security";
import { Client, clientBootstrap, expectExact } from "./clients";
import type { Lab, Settings } from "./lab";

/** An ACL that allows a user everything on a resource. */
export const may = (user: string, resource: object) => ({ user, operations: ["all"], ...resource });

/** ACLs for all that client programs use: their topics, groups and transactions. */
export const clientAcls = (user: string) =>
  ["topic", "group", "transactional-id"].map((resource) =>
    may(user, { resource, prefix: "clients-" }),
  );

/** A small lab with users: alice may use topics, groups and transactions of client programs, bob nothing. */
export const SMALL_WITH_USERS: Settings = {
  ...{ zookeeperNodes: 1, brokers: 1, replicationFactor: 1, users: ["alice", "bob"] },
  acls: clientAcls("alice"),
};

const outputs = z.looseObject({ clientSecurity: securityOutput });

/** What users of a secured lab need, by its outputs. */
export async function clientSecurity(lab: Lab): Promise<z.infer<typeof securityOutput>> {
  return outputs.parse(await lab.stackOutputs()).clientSecurity;
}

/** How a user connects in the lab's mode. */
export async function accessOf(lab: Lab, user: string): Promise<ClientSecurity> {
  return securityOf(await clientSecurity(lab), "local", user);
}

/** Expects that a user's client on this machine can do all that clients do. */
export async function expectWorks(lab: Lab, user: string): Promise<void> {
  const client = await Client.here("python");
  const security = await accessOf(lab, user);
  expectExact(await client.run(lab, await clientBootstrap(lab), { security }));
}
