import { chmodSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { run } from "../../shared/process";
import { stateDir } from "../../local-cloud/machine/paths";
import { Refusal } from "../lib/refusal";
import type { Stack } from "../lib/stack";
import { exportedResources, type StateResource } from "../pulumi/stacks";
import { type Access, type Hosts, type LabHost, readAccess } from "./hosts";
import { linkedCommand, NO_LINK, sshConfig } from "./ssh-config";

/** The directory of the login key, the pinned host keys and the client configuration of a stack. */
export function accessDir({ name, target }: Stack): string {
  const home =
    process.env["XDG_STATE_HOME"] || join(process.env["HOME"] ?? homedir(), ".local/state");
  return join(target === "local" ? stateDir : join(home, "kafkalab"), "ssh", name);
}

/** Includes the user's own configuration for other options, for example a required proxy. */
const USERS_OWN = [
  "# For the rest, the user's own configuration.",
  "Host *",
  "  Include ~/.ssh/config",
  "  Include /etc/ssh/ssh_config",
  "",
].join("\n");

/**
 * Writes `key`, `known_hosts` and `config`, readable only for this user. Returns the hosts.
 *
 * @param directory @default the directory of the stack
 * @param resources The resources with decrypted secrets. @default those in Pulumi's state
 * @throws Refusal if the stack has no hosts.
 */
export async function writeAccess(
  stack: Stack,
  directory = accessDir(stack),
  resources?: readonly StateResource[],
): Promise<Hosts> {
  const access = readAccess(resources ?? (await exportedResources(stack, "clear")));
  if (Object.keys(access.hosts).length === 0) {
    throw new Refusal(`the stack ${stack.name} has no hosts.`, "Make them with: npm run up");
  }
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  chmodSync(directory, 0o700);
  for (const [name, text] of Object.entries(filesOf(access, directory, stack))) {
    const file = join(directory, name);
    writeFileSync(`${file}.${process.pid}`, text, { mode: 0o600 });
    renameSync(`${file}.${process.pid}`, file);
  }
  return access.hosts;
}

function filesOf({ key, hosts }: Access, directory: string, { target }: Stack) {
  const pinned = Object.entries(hosts).map(([name, { hostKey }]) => `${name} ${hostKey}\n`);
  const config = sshConfig(hosts, directory, target);
  return {
    key,
    known_hosts: pinned.join(""),
    config: target === "local" ? config : `${config}${USERS_OWN}`,
  };
}

/**
 * On the local target, throws if no link leads to the hosts. Otherwise packets would follow the default
 * route to other owners of these addresses.
 */
export async function checkRoute(hosts: Hosts, { target }: Stack): Promise<void> {
  const direct = Object.values(hosts).find(
    ({ address, via }) => address !== undefined && via === undefined,
  );
  if (target !== "local" || direct?.address === undefined) {
    return;
  }
  await run(["bash", "-c", linkedCommand(direct.address)]).catch(() => {
    throw new Refusal(NO_LINK, "Run: npm run up");
  });
}

/** Returns a host by name. Throws a Refusal if it does not exist or has no address. */
export function hostNamed(name: string, hosts: Hosts, { name: stack }: Stack): LabHost {
  const host = Object.values(hosts).find(({ names }) => names.includes(name));
  if (host === undefined) {
    throw new Refusal(
      `there is no host ${name} in the stack ${stack}.`,
      `Its hosts: ${Object.keys(hosts).join(", ")}`,
    );
  }
  if (host.address === undefined) {
    throw new Refusal(
      `the host ${name} has no address: it or its bastion is stopped.`,
      "Start it with: npm run up (in a lab that is paused, set kafkalab:running to true first)",
    );
  }
  return host;
}
