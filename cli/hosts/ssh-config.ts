import type { Target } from "../lib/stack-file";
import type { Hosts, LabHost } from "./hosts";

/** Said where this machine has no link of the lab. */
export const NO_LINK =
  "no link of this machine leads to the hosts, for example because it was restarted.";

/**
 * The shell command that succeeds if this machine reaches the address by the link of a lab.
 *
 * @param address An address, or a token of ssh that stands for one.
 */
export function linkedCommand(address: string): string {
  return `ip -4 route get ${address} | grep -q ' dev kl-'`;
}

/**
 * The configuration of an OpenSSH client for these hosts. A host with another key than the pinned one
 * is an error, whatever its address; so is a host on the way.
 *
 * @param directory Holds the files `key` and `known_hosts`.
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
    // Not only these commands: ssh itself dials no address that leads out of this machine.
    `Match originalhost ${names} !exec "${linkedCommand("%h")}"`,
    `  ProxyCommand sh -c 'echo "kafkalab: ${NO_LINK} Run: npm run up" >&2; exit 1'`,
    // What a user sets for the outside world is of no use for hosts on this machine.
    `Match originalhost ${names}`,
    "  ProxyCommand none",
    "",
  ];
}

/** In quotes, and with what ssh takes for a token of its own doubled. */
function path(text: string): string {
  return `"${text.replaceAll("%", "%%").replaceAll(/[\\"]/g, (character) => `\\${character}`)}"`;
}
