import type { Target } from "../lib/stack-file";
import type { Hosts, LabHost } from "./hosts";

/**
 * The arguments with which ssh reads the configuration of a stack; its directory must be the current one. ssh
 * passes the path of the configuration unquoted to a ProxyJump, so this is a plain file name.
 */
export const CONFIG_ARGUMENTS = ["-F", "config"] as const;

/** The message if this machine has no link of the lab. */
export const NO_LINK =
  "no link of this machine leads to the hosts, for example because it was restarted.";

/**
 * The shell command that succeeds if this machine reaches the address through a lab's link.
 *
 * @param address An address, or ssh's token for an address.
 */
export function linkedCommand(address: string): string {
  return `ip -4 route get ${address} | grep -q ' dev kl-'`;
}

/**
 * The configuration of an OpenSSH client for these hosts. ssh rejects a host or bastion whose key differs
 * from the pinned one.
 *
 * @param directory The directory with the files `key` and `known_hosts`.
 */
export function sshConfig(hosts: Hosts, directory: string, target: Target): string {
  const reachable = Object.values(hosts).filter(({ address }) => address !== undefined);
  const blocks = reachable.map((host) => hostBlock(host, directory));
  const direct = reachable.filter(({ via }) => via === undefined).flatMap(({ names }) => names);
  if (target === "local" && direct.length > 0) {
    blocks.push(localBlock(direct.join(",")));
  }
  return blocks.flat().map((line) => `${line}\n`).join(""); // prettier-ignore
}

function hostBlock({ names, address, via }: LabHost, directory: string): string[] {
  return [
    `Host ${names.join(" ")}`,
    `  HostName ${address}`,
    ...(via === undefined ? [] : [`  ProxyJump ${via}`]),
    "  User ec2-user",
    `  IdentityFile ${path(`${directory}/key`)}`,
    "  IdentitiesOnly yes",
    "  BatchMode yes",
    `  UserKnownHostsFile ${path(`${directory}/known_hosts`)}`,
    "  GlobalKnownHostsFile /dev/null",
    `  HostKeyAlias ${names[0]}`,
    "  StrictHostKeyChecking yes",
    "  ConnectTimeout 5",
    "  ServerAliveInterval 15",
    "",
  ];
}

function localBlock(names: string): string[] {
  return [
    // Protects the user's own ssh, too: it must not connect to an address outside this machine.
    `Match originalhost ${names} !exec "${linkedCommand("%h")}"`,
    `  ProxyCommand sh -c 'echo "kafkalab: ${NO_LINK} Run: npm run up" >&2; exit 1'`,
    // The user's settings for hosts on the network, such as a proxy, do not apply to hosts on this machine.
    `Match originalhost ${names}`,
    "  ProxyCommand none",
    "",
  ];
}

/** Quotes a path, and doubles the percent signs, which begin tokens of ssh. */
function path(text: string): string {
  return `"${text.replaceAll("%", "%%").replaceAll(/[\\"]/g, (character) => `\\${character}`)}"`;
}
