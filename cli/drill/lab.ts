import { copyFileSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { renderScript } from "../../shared/remote-script";
import { NoReply, type RemoteHost, type RunOptions } from "../../operator/host";
import { judgeCluster } from "../../operator/kafka/whole";
import { EnsembleClient } from "../../operator/zookeeper/client";
import { allServe, describeEnsemble, isWhole } from "../../operator/zookeeper/ensemble";
import { messageOf } from "../../shared/message-of";
import { shellQuote } from "../../shared/quote";
import { waitFor } from "../../shared/wait";
import { namespace } from "../../local-cloud/machine/paths";
import { run } from "../../shared/process";
import { readState } from "../../local-cloud/machine/store";
import { type RemoteShell, Session } from "./session";
import { ZOOKEEPER_HOME } from "../../shared/homes";
import { kcat } from "../../shared/kafka-contact";

/** The data that a drill needs to reach its lab. */
export interface LabAccess {
  /** The checkout. */
  root: string;
  stack: string;
  target: "local" | "aws";
  /** Directory of the client configuration that `ssh-config` prints. */
  directory: string;
  /** The hosts by name, as `readAccess` finds them. */
  hosts: Record<string, { privateIp: string }>;
  /** The port of the brokers for the lab's own tools. */
  port: number;
  /** The file with the settings of the stack. */
  configFile: string;
}

const COMMAND_SECONDS = 60;
const ANSWER_SECONDS = 5;
const WHOLE_SECONDS = 320;

/** A host of a running lab. */
export class DrillHost implements RemoteShell, RemoteHost {
  constructor(
    readonly name: string,
    readonly privateIp: string,
    private readonly config: string,
    /** The host on which commands run in place of this one, and from which its ports are asked. */
    private readonly neighbour?: DrillHost,
  ) {}

  /** This host as another one sees it, for a time when SSH does not reach it. */
  from(neighbour: DrillHost): DrillHost {
    return new DrillHost(this.name, this.privateIp, this.config, neighbour);
  }

  sshArguments(): string[] {
    return this.neighbour?.sshArguments() ?? ["ssh", "-F", this.config, this.name];
  }

  run(command: string, options: { timeoutSeconds?: number; input?: string } = {}): Promise<string> {
    const { timeoutSeconds = COMMAND_SECONDS, input } = options;
    const limit = ["timeout", "--kill-after=5", String(timeoutSeconds)];
    return run([...limit, ...this.sshArguments(), command], input);
  }

  exec(
    argv: readonly string[],
    { input, seconds = COMMAND_SECONDS }: RunOptions = {},
  ): Promise<string> {
    return this.run(argv.map(shellQuote).join(" "), { timeoutSeconds: seconds, input });
  }

  script(
    files: readonly string[],
    variables: Record<string, string>,
    { seconds }: Pick<RunOptions, "seconds"> = {},
  ): Promise<string> {
    return this.asRoot(
      renderScript(["common.sh", ...files], { HOST: this.name, ...variables }),
      seconds,
    );
  }

  isOpen(port: number): Promise<boolean> {
    // With empty input, `ssh -W` exits soon. It fails if the port is closed.
    const address = this.neighbour === undefined ? undefined : this.privateIp;
    return this.ask(port, "", ANSWER_SECONDS, address).then(
      () => true,
      () => false,
    );
  }

  async ask(port: number, text: string, seconds: number, address = "127.0.0.1"): Promise<string> {
    const limit = ["timeout", "--kill-after=5", String(seconds)];
    const [ssh = "", ...host] = this.sshArguments();
    const forward = [ssh, "-W", `${address}:${port}`, ...host];
    try {
      return await run([...limit, ...forward], text);
    } catch (error) {
      // A drill may stop the host, so a failed connection counts as a missing reply.
      throw new NoReply(messageOf(error));
    }
  }

  /** Runs a script as root. */
  asRoot(script: string, timeoutSeconds?: number): Promise<string> {
    return this.run("sudo -n bash -s", { input: script, timeoutSeconds });
  }

  /** Starts a script as root. The script ends when the caller releases the session. */
  hold(what: string, script: string): Session {
    return Session.on(this, what, `exec sudo -n bash -c ${shellQuote(script)}`);
  }
}

/** A running lab. */
export class DrillLab {
  readonly brokers: DrillHost[];
  readonly zookeepers: DrillHost[];
  readonly bootstrap: string;

  constructor(readonly access: LabAccess) {
    const hosts = Object.entries(access.hosts).map(
      ([name, { privateIp }]) => new DrillHost(name, privateIp, join(access.directory, "config")),
    );
    this.brokers = hosts.filter(({ name }) => name.startsWith("peter-kafka"));
    this.zookeepers = hosts.filter(({ name }) => name.startsWith("peter-zk"));
    this.bootstrap = this.brokers.map((host) => this.serverOf(host)).join(",");
  }

  /** `host:port` of a broker for the lab's own tools. */
  serverOf({ name }: DrillHost): string {
    return `${name}:${this.access.port}`;
  }

  /**
   * Waits until every broker is registered, all replicas are in sync, and ZooKeeper is whole.
   *
   * @param neighbour The host from which all brokers are asked. @default each is asked on its own host
   */
  async whole(seconds = WHOLE_SECONDS, neighbour?: DrillHost): Promise<void> {
    const asked = this.brokers.map((host) => ({
      server: this.serverOf(host),
      connection: neighbour === undefined ? host : host.from(neighbour),
    }));
    const ids = this.brokers.map((host) => Number(brokerId(host)));
    const nodes = this.zookeepers.map((host) => ({ id: ordinalOf(host), host: host.name }));
    const hosts = new Map(this.zookeepers.map((host) => [host.name, host]));
    const ensemble = new EnsembleClient(hosts, nodes, ZOOKEEPER_HOME);
    // Each question is an SSH connection, which takes CPU time from hosts that are about to come back.
    // So all brokers are asked only once the last one, which gets the faults, knows of a whole cluster.
    const intervalMs = 500;
    for (const brokers of [asked.slice(-1), asked]) {
      await waitFor({ what: "Kafka cluster", state: "whole", seconds, intervalMs }, () =>
        judgeCluster(brokers, ids, { leaving: true }),
      );
    }
    await waitFor({ what: "ZooKeeper ensemble", state: "whole", seconds, intervalMs }, async () => {
      const look = await ensemble.look();
      return allServe(look) && isWhole(look) ? { done: true } : { seen: describeEnsemble(look) };
    });
  }

  /** All hosts, ZooKeepers and brokers. */
  get hosts(): DrillHost[] {
    return [...this.zookeepers, ...this.brokers];
  }

  /** Returns the host of the ZooKeeper leader. */
  async zookeeperLeader(): Promise<DrillHost> {
    const ask = "bash -c 'exec 3<>/dev/tcp/localhost/2181; echo srvr >&3; grep ^Mode: <&3'";
    const modes = await Promise.all(this.zookeepers.map((host) => host.run(ask)));
    const index = modes.findIndex((mode) => mode.trim() === "Mode: leader");
    const leader = this.zookeepers[index];
    if (leader === undefined) {
      throw new Error(
        `no ZooKeeper node is the leader; the modes are ${modes.join(", ").replaceAll("\n", "")}`,
      );
    }
    return leader;
  }

  /**
   * Starts `npm run up`. An interrupt of this process does not stop it.
   *
   * @param configFile @default the stack's own settings
   */
  up(configFile = this.access.configFile): Session {
    return new Session("up", this.command("up", configFile));
  }

  /** Fails if `up` would change something: a drill's `up` must not apply the user's pending changes. */
  async unchanged(): Promise<void> {
    const argv = [
      ...this.command("preview", this.access.configFile),
      ...["--expect-no-changes", "--suppress-outputs"],
    ];
    await run(argv).catch(() => {
      throw new Error(
        `the stack ${this.access.stack} must match its settings; a preview shows changes. Run: npm run up`,
      );
    });
  }

  /** Creates a copy of the settings with another value of one broker key. */
  async settingsWith(key: string, value: string): Promise<{ directory: string; file: string }> {
    const directory = mkdtempSync(join(tmpdir(), "kafkalab-drill-"));
    const file = join(directory, `Pulumi.${this.access.stack}.yaml`);
    copyFileSync(this.access.configFile, file);
    await run([
      ...["pulumi", "config", "set", "--stack", this.access.stack, "--config-file", file],
      ...["--path", `kafkalab:brokerConfig["${key}"]`, value],
    ]);
    return { directory, file };
  }

  /** Reads from the systemd journal how often each broker was started. */
  async starts(): Promise<Record<string, number>> {
    const command = "sudo -n journalctl -q -u kafka-server -o cat --grep '^Started ' | wc -l";
    const counts = await Promise.all(
      this.brokers.map(async (host) => [host.name, Number(await host.run(command))] as const),
    );
    return Object.fromEntries(counts);
  }

  /** Returns a partition of the topic whose leader is this broker. */
  async ledBy(broker: DrillHost, topic: string): Promise<number> {
    const seen = await broker.run([...kcat([this.serverOf(broker)]), "-L", "-t", topic].join(" "));
    const found = new RegExp(`partition (\\d+), leader ${brokerId(broker)},`).exec(seen);
    if (found === null) {
      throw new Error(`${broker.name} leads no partition of ${topic}; last saw ${seen}`);
    }
    return Number(found[1]);
  }

  /** Looks up the hosts' addresses again, because a host gets another public address at each start. */
  async findHosts(): Promise<void> {
    const { root, stack } = this.access;
    await run([join(root, "scripts/dev/lab.sh"), "ssh-config", "-s", stack]);
  }

  /** The local cloud's id of a host. */
  instanceId({ privateIp }: DrillHost): string {
    const record = Object.values(readState().records).find(
      ({ type, urn, chosen }) =>
        type === "aws:ec2/instance:Instance" &&
        urn.startsWith(`urn:pulumi:${this.access.stack}::`) &&
        chosen["privateIp"] === privateIp,
    );
    if (record === undefined) {
      throw new Error(`the local cloud has no instance with the address ${privateIp}`);
    }
    return record.id;
  }

  /** Starts a script in the network namespace of a host. The script uses the tools of this machine. */
  holdInNetwork(host: DrillHost, what: string, script: string): Session {
    const enter = ["ip", "netns", "exec", namespace(this.instanceId(host))];
    return new Session(`${host.name}: ${what}`, [...enter, "bash", "-c", script]);
  }

  private command(name: string, configFile: string): string[] {
    const { root, stack } = this.access;
    return [
      ...[join(root, "scripts/dev/lab.sh"), name, "-s", stack],
      ...["--config-file", configFile, "--non-interactive", "--color", "never"],
    ];
  }
}

/** `broker.id`, which is the host's ordinal. */
export function brokerId(host: DrillHost): string {
  return String(ordinalOf(host));
}

/** The number at the end of a host's name. */
function ordinalOf({ name }: DrillHost): number {
  return Number(/\d+$/.exec(name)?.[0]);
}
