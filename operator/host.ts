/*
 * SSH connections to the hosts, one for each host. Commands on the same connection run in parallel.
 */
import { Client, type ClientChannel, type ConnectConfig } from "ssh2";
import { messageOf } from "../shared/message-of";
import { shellQuote } from "../shared/quote";
import { renderScript } from "../shared/remote-script";
import { despiteErrors, waitFor } from "../shared/wait";
import { report } from "./progress";
import type { Connection, HostTarget } from "./wish";

/** How long a booting host may take to accept an SSH connection. */
const DIAL_SECONDS = 360;
const DIAL_INTERVAL_MS = 500;
/** ssh2 drops a connection after three keepalives without an answer. */
const KEEPALIVE_MS = 10_000;
const HANDSHAKE_MS = 10_000;
/** How long a connection to a port may take to open. */
const FORWARD_MS = 5_000;
/** `SSH_OPEN_CONNECT_FAILED`, RFC 4254, section 5.1. */
const CONNECT_FAILED = 2;
const LOOPBACK = "127.0.0.1";

/** Limits and input of a command. */
export interface RunOptions {
  /** What the command reads on stdin. @default nothing */
  input?: string;
  /** Time limit in seconds. The operator then closes the channel of the command. @default 60 */
  seconds?: number;
}

/** A command failed: its exit status was not 0. */
export class RemoteError extends Error {
  constructor(
    readonly host: string,
    readonly stdout: string,
    readonly stderr: string,
    readonly status: number | string,
  ) {
    const last = stderr.trim().split("\n").at(-1) || `a command ended with status ${status}`;
    super(last.includes(host) ? last : `${host}: ${last}`);
  }
}

/** A host that the operator is connected to. */
export interface RemoteHost {
  readonly name: string;
  /** Runs a command as the login user and returns what it prints on stdout. */
  exec(argv: readonly string[], options?: RunOptions): Promise<string>;
  /**
   * Runs files of `scripts/remote/` as one script, as root. The host's shell reads the script from
   * stdin, so no value appears on a command line. The operator reports the script's stderr as progress.
   */
  script(
    files: readonly string[],
    variables: Record<string, string>,
    options?: Pick<RunOptions, "seconds">,
  ): Promise<string>;
  /** Whether something listens on a TCP port of this host. */
  isOpen(port: number): Promise<boolean>;
  /**
   * Sends a text to a TCP port and returns the complete answer.
   *
   * @param seconds Time limit for the answer.
   * @param address Host of that port, by a name that this host resolves. @default this host itself
   * @throws NoReply if the port is closed, or does not answer in time.
   */
  ask(port: number, text: string, seconds: number, address?: string): Promise<string>;
}

/** The port is closed or did not answer in time. */
export class NoReply extends Error {
  constructor(
    message: string,
    /** Whether the port did not answer in time. */
    readonly isLate = false,
  ) {
    super(message);
  }
}

/** The hosts of a cluster by name. */
export type Hosts = ReadonlyMap<string, RemoteHost>;

/** The host of a node. */
export function hostOf(hosts: Hosts, { name }: { name: string }): RemoteHost {
  const host = hosts.get(name);
  if (host === undefined) {
    throw new Error(`there is no connection to ${name}`);
  }
  return host;
}

/** A connection to a host, and the connection to the bastion that it runs through. */
interface Link {
  client: Client;
  bastion: Client | undefined;
  isClosed: boolean;
}

/** {@link RemoteHost} over SSH. After a lost connection, the next call connects again. */
export class SshHost implements RemoteHost {
  private redialling: Promise<Link> | undefined;

  private constructor(
    readonly name: string,
    private readonly connection: HostTarget["connection"],
    private link: Link,
  ) {}

  /**
   * Connects to a host. Tries again while the host boots.
   *
   * @param seconds How long to try. @default 360
   * @throws Error that says why the last attempt failed.
   */
  static async connect({ name, connection }: HostTarget, seconds = DIAL_SECONDS): Promise<SshHost> {
    if (connection.host === "") {
      throw new Error(`${name} has no address. If its instance is stopped, start it`);
    }
    return waitFor(
      {
        what: name,
        state: "reached over SSH",
        seconds,
        intervalMs: DIAL_INTERVAL_MS,
      },
      despiteErrors<SshHost>(async () => ({
        done: new SshHost(name, connection, await dial(connection)),
      })),
    );
  }

  exec(argv: readonly string[], options: RunOptions = {}): Promise<string> {
    return this.run(argv.map(shellQuote).join(" "), options, false);
  }

  script(
    files: readonly string[],
    variables: Record<string, string>,
    { seconds }: Pick<RunOptions, "seconds"> = {},
  ): Promise<string> {
    const input = renderScript(["common.sh", ...files], { HOST: this.name, ...variables });
    return this.run("sudo -n bash -s", { input, seconds }, true);
  }

  /** Starts a command as root. The caller ends the command by closing the returned channel. */
  async hold(command: string): Promise<ClientChannel> {
    return start(await this.client(), `sudo -n bash -c ${shellQuote(command)}`);
  }

  async isOpen(port: number): Promise<boolean> {
    try {
      (await forward(await this.client(), LOOPBACK, port)).close();
      return true;
    } catch (error) {
      // A port does not answer while its queue of connections is full. Then the service listens.
      if (error instanceof NoReply) {
        return error.isLate;
      }
      throw error;
    }
  }

  async ask(port: number, text: string, seconds: number, address = LOOPBACK): Promise<string> {
    const opening = forward(await this.client(), address, port);
    const answer = opening.then((channel) => converse(channel, text));
    return within(answer, seconds * 1000, () => {
      opening.then(
        (channel) => channel.close(),
        () => undefined,
      );
      const late = `${this.name}: ${address}:${port} has not answered within ${seconds} s`;
      return new NoReply(late, true);
    });
  }

  end(): void {
    this.link.client.end();
    this.link.bastion?.end();
  }

  private async client(): Promise<Client> {
    if (this.link.isClosed) {
      this.redialling ??= dial(this.connection).finally(() => {
        this.redialling = undefined;
      });
      try {
        this.link = await this.redialling;
      } catch (error) {
        throw new Error(`${this.name}: ${messageOf(error)}`, { cause: error });
      }
    }
    return this.link.client;
  }

  private async run(
    command: string,
    { input = "", seconds = 60 }: RunOptions,
    reportsProgress: boolean,
  ): Promise<string> {
    const channel = await start(await this.client(), command);
    const ending = collect(channel, reportsProgress);
    channel.end(input);
    const { stdout, stderr, status } = await within(ending, seconds * 1000, () => {
      channel.close();
      return new Error(`${this.name}: a command has not ended after ${seconds} s`);
    });
    if (status !== 0) {
      throw new RemoteError(this.name, stdout, stderr, status);
    }
    return stdout;
  }
}

/** Returns the result of a promise. If that takes longer, calls `late` and throws the error from it. */
async function within<T>(promise: Promise<T>, ms: number, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), ms);
  });
  try {
    return await Promise.race([promise, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}

/** Sends a text and returns the answer up to the end of the connection. */
async function converse(channel: ClientChannel, text: string): Promise<string> {
  channel.write(text);
  const chunks: Buffer[] = [];
  for await (const chunk of channel) {
    chunks.push(chunk as Buffer);
  }
  channel.end();
  return Buffer.concat(chunks).toString();
}

interface Ended {
  stdout: string;
  stderr: string;
  status: number | string;
}

function collect(channel: ClientChannel, reportsProgress: boolean): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    channel.on("data", (chunk: Buffer) => stdout.push(chunk));
    channel.stderr.on("data", (chunk: Buffer) => {
      stderr.push(chunk);
    });
    channel.on("error", reject);
    // The "exit" event may fire before this code listens. "close" has the same arguments.
    channel.on("close", (code?: number | null, signal?: string) => {
      const status = code ?? signal ?? "unknown: the connection was lost";
      const text = Buffer.concat(stderr).toString();
      // The last line of a failed script is its error. The caller reports it.
      const lines = text.split("\n").filter((line) => line !== "");
      if (reportsProgress) {
        lines.slice(0, status === 0 ? undefined : -1).forEach(report);
      }
      resolve({ stdout: Buffer.concat(stdout).toString(), stderr: text, status });
    });
  });
}

async function dial({ proxy, ...connection }: HostTarget["connection"]): Promise<Link> {
  const bastion = proxy && (await open(proxy));
  try {
    const sock = bastion && (await forward(bastion, connection.host, connection.port));
    // ssh2 closes a client only if its socket closes. The tunnel of a host that has gone only ends.
    sock?.once("end", () => sock.destroy());
    const link: Link = { client: await open(connection, sock), bastion, isClosed: false };
    link.client.on("close", () => {
      link.isClosed = true;
      bastion?.end();
    });
    return link;
  } catch (error) {
    bastion?.end();
    throw error;
  }
}

function start(client: Client, command: string): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.exec(command, (error, channel) => {
      if (error) {
        reject(error);
      } else {
        resolve(channel);
      }
    });
  });
}

function forward(client: Client, host: string, port: number): Promise<ClientChannel> {
  const opening = new Promise<ClientChannel>((resolve, reject) => {
    client.forwardOut(LOOPBACK, 0, host, port, (error, channel) => {
      if (error) {
        const isClosed = "reason" in error && error.reason === CONNECT_FAILED;
        reject(isClosed ? new NoReply(`${host}:${port} is closed`) : error);
      } else {
        resolve(channel);
      }
    });
  });
  return within(opening, FORWARD_MS, () => {
    opening.then(
      (channel) => channel.close(),
      () => undefined,
    );
    return new NoReply(`${host}:${port} has not accepted a connection`, true);
  });
}

function open(
  { host, port, user, privateKey, hostKey }: Connection,
  sock?: ConnectConfig["sock"],
): Promise<Client> {
  const [algorithm = "", blob = ""] = hostKey.split(" ");
  const expected = Buffer.from(blob, "base64");
  const client = new Client();
  return new Promise((resolve, reject) => {
    // Nagle's algorithm holds back a command's second packet until the host acknowledges the first one,
    // which takes Linux 40 ms.
    client.on("connect", () => client.setNoDelay(true));
    client.on("ready", () => resolve(client));
    client.on("error", reject);
    client.on("close", () => reject(new Error("the connection was closed")));
    client.connect({
      host,
      port,
      username: user,
      privateKey,
      sock,
      readyTimeout: HANDSHAKE_MS,
      keepaliveInterval: KEEPALIVE_MS,
      algorithms: { serverHostKey: [algorithm] as never },
      hostVerifier: (key: Buffer) => key.equals(expected),
    });
  });
}
