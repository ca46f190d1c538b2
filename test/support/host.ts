import { type Ended, run, type RunOptions } from "./run";

/** What is needed to reach a host. */
export interface HostAccess {
  name: string;
  publicIp: string;
  privateIp: string;
  user: string;
  /** The host through which it is reached, if not directly. */
  via?: HostAccess;
  /** The login key, mode 0600. */
  keyFile: string;
  /** The hosts' pinned keys. */
  knownHosts: string;
}

/** A host of a lab, reached as the book reaches it. */
export class Host {
  readonly name: string;
  readonly publicIp: string;
  readonly privateIp: string;

  constructor(private readonly access: HostAccess) {
    ({ name: this.name, publicIp: this.publicIp, privateIp: this.privateIp } = access);
  }

  /** `ssh -i keypair.pem -l ec2-user IP` or `ssh -i keypair.pem ec2-user@IP`, with its options. */
  sshArguments(form: "-l" | "@" = "@"): string[] {
    const { keyFile, knownHosts, user, publicIp, privateIp, via } = this.access;
    const options = [
      ...["ssh", "-F", "none", "-i", keyFile],
      ...["-o", `UserKnownHostsFile=${knownHosts}`, "-o", "StrictHostKeyChecking=yes"],
      ...["-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "ConnectTimeout=5"],
    ];
    const address = via === undefined ? publicIp : privateIp;
    const jump = via && [...options, "-W", "%h:%p", `${via.user}@${via.publicIp}`].join(" ");
    return [
      ...options,
      ...(jump === undefined ? [] : ["-o", `ProxyCommand=${jump}`]),
      ...(form === "-l" ? ["-l", user, address] : [`${user}@${address}`]),
    ];
  }

  /** Runs a command line on the host, whatever its status. */
  try(command: string, options: RunOptions = {}): Promise<Ended> {
    return run([...this.sshArguments(), command], options);
  }

  /** Runs a command line that must succeed, and returns what it printed. */
  async run(command: string, options: RunOptions = {}): Promise<string> {
    const { status, stdout, output } = await this.try(command, options);
    if (status !== 0) {
      throw new Error(
        `${this.name}: ${command} ended with ${status}: ${output.trim().slice(-4000)}`,
      );
    }
    return stdout;
  }
}

/** One of the hosts, by name. */
export function hostOf(hosts: Map<string, Host>, name: string): Host {
  const found = hosts.get(name);
  if (found === undefined) {
    throw new Error(`no host ${name}; there are ${[...hosts.keys()].join(", ")}`);
  }
  return found;
}

/** Runs the same on several hosts at once; what each printed, by name. */
export async function onAll(hosts: Host[], command: string): Promise<Record<string, string>> {
  const outputs = await Promise.all(hosts.map((host) => host.run(command)));
  return Object.fromEntries(hosts.map(({ name }, index) => [name, (outputs[index] ?? "").trim()]));
}

/** The same value under each name. */
export function same<T>(names: string[], value: T): Record<string, T> {
  return Object.fromEntries(names.map((name) => [name, value]));
}

/** The text as one word of a shell's command line. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
