import { copyFileSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { renderScript } from "../../components/lib/scripts";
import { shellQuote } from "../../shared/quote";
import { namespace } from "../../local-cloud/machine/paths";
import { run } from "../../shared/process";
import { readState } from "../../local-cloud/machine/store";
import { type DrillHost, Session } from "./session";

/** How a drill finds its lab. */
export interface LabAccess {
  /** The checkout. */
  root: string;
  stack: string;
  target: "local" | "aws";
  /** Holds the client configuration that `ssh-config` prints. */
  directory: string;
  /** The hosts by name, as `access.jq` tells them. */
  hosts: Record<string, { privateIp: string }>;
  /** The settings of the stack. */
  configFile: string;
}

const COMMAND_SECONDS = 60;
const WHOLE_SECONDS = 320;

/** A host of a lab that runs, by its name. */
export class LabHost implements DrillHost {
  constructor(
    readonly name: string,
    readonly privateIp: string,
    private readonly config: string,
  ) {}

  sshArguments(): string[] {
    return ["ssh", "-F", this.config, this.name];
  }

  run(command: string, options: { timeoutSeconds?: number; input?: string } = {}): Promise<string> {
    const { timeoutSeconds = COMMAND_SECONDS, input } = options;
    const limit = ["timeout", "--kill-after=5", String(timeoutSeconds)];
    return run([...limit, ...this.sshArguments(), command], input);
  }

  /** Runs a script as root. */
  asRoot(script: string, timeoutSeconds?: number): Promise<string> {
    return this.run("sudo -n bash -s", { input: script, timeoutSeconds });
  }

  /** Starts a script as root, which ends when it is let go of. */
  hold(what: string, script: string): Session {
    return Session.on(this, what, `exec sudo -n bash -c ${shellQuote(script)}`);
  }
}

/** A lab that runs, as a drill sees it. */
export class DrillLab {
  readonly brokers: LabHost[];
  readonly zookeepers: LabHost[];
  readonly bootstrap: string;

  constructor(readonly access: LabAccess) {
    const hosts = Object.entries(access.hosts).map(
      ([name, { privateIp }]) => new LabHost(name, privateIp, join(access.directory, "config")),
    );
    this.brokers = hosts.filter(({ name }) => name.startsWith("peter-kafka"));
    this.zookeepers = hosts.filter(({ name }) => name.startsWith("peter-zk"));
    this.bootstrap = this.brokers.map(({ name }) => `${name}:9092`).join(",");
  }

  /** Waits until every broker is registered, all replicas are in sync, and ZooKeeper is whole. */
  async whole(seconds = WHOLE_SECONDS): Promise<void> {
    const [broker, zookeeper] = [this.brokers[0]!, this.zookeepers[0]!];
    const kafka = renderScript(["common.sh", "kafka.sh", "kafka-whole.sh"], {
      HOST: broker.name,
      SERVERS: this.bootstrap.replaceAll(",", " "),
      IDS: this.brokers.map((host) => brokerId(host)).join(" "),
    });
    const ensemble = renderScript(["common.sh", "zookeeper.sh", "zookeeper-whole.sh"], {
      HOST: zookeeper.name,
      NODES: this.zookeepers.map(({ name }) => name).join(" "),
    });
    const look = (host: LabHost, script: string) =>
      host.run("bash -s", { timeoutSeconds: seconds, input: `${script} </dev/null\n` });
    await Promise.all([
      look(broker, `${kafka}await_whole`),
      look(zookeeper, `${ensemble}await_whole ensemble_whole`),
    ]);
  }

  /** All hosts, ZooKeepers and brokers. */
  get hosts(): LabHost[] {
    return [...this.zookeepers, ...this.brokers];
  }

  /** Which ZooKeeper leads. */
  async zookeeperLeader(): Promise<LabHost> {
    const ask = "bash -c 'exec 3<>/dev/tcp/localhost/2181; echo srvr >&3; grep ^Mode: <&3'";
    const modes = await Promise.all(this.zookeepers.map((host) => host.run(ask)));
    const index = modes.findIndex((mode) => mode.trim() === "Mode: leader");
    const leader = this.zookeepers[index];
    if (leader === undefined) {
      throw new Error(`no ZooKeeper leads; they say ${modes.join(", ").replaceAll("\n", "")}`);
    }
    return leader;
  }

  /**
   * Starts `npm run up`. It goes on when this process is interrupted.
   *
   * @param configFile @default the stack's own settings
   */
  up(configFile = this.access.configFile): Session {
    return new Session("up", this.command("up", configFile));
  }

  /** Fails unless `up` would change nothing: a drill's `up` must not apply what nobody asked for. */
  async unchanged(): Promise<void> {
    const argv = [
      ...this.command("preview", this.access.configFile),
      ...["--expect-no-changes", "--suppress-outputs"],
    ];
    await run(argv).catch(() => {
      throw new Error(
        `the stack ${this.access.stack} must be as its settings say; a preview shows changes. Run: npm run up`,
      );
    });
  }

  /** Makes a copy of the settings in which one of the brokers' keys has another value. */
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

  /** How often each broker has been started, by systemd's log. */
  async starts(): Promise<Record<string, number>> {
    const command = "sudo -n journalctl -q -u kafka-server -o cat --grep '^Started ' | wc -l";
    const counts = await Promise.all(
      this.brokers.map(async (host) => [host.name, Number(await host.run(command))] as const),
    );
    return Object.fromEntries(counts);
  }

  /** A partition of the topic that this broker leads. */
  async ledBy(broker: LabHost, topic: string): Promise<number> {
    const seen = await broker.run(`kcat -L -b ${broker.name}:9092 -t ${topic}`);
    const found = new RegExp(`partition (\\d+), leader ${brokerId(broker)},`).exec(seen);
    if (found === null) {
      throw new Error(`${broker.name} leads no partition of ${topic}; last saw ${seen}`);
    }
    return Number(found[1]);
  }

  /** Finds the hosts again where they are now: a public address is that of one start. */
  async findHosts(): Promise<void> {
    const { root, stack } = this.access;
    await run([join(root, "scripts/dev/lab.sh"), "ssh-config", "-s", stack]);
  }

  /** The local cloud's id of a host. */
  instanceId({ privateIp }: LabHost): string {
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

  /** Starts a script in the network of a host, with the machine's own tools. */
  holdInNetwork(host: LabHost, what: string, script: string): Session {
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
export function brokerId({ name }: DrillHost): string {
  return String(Number(/\d+$/.exec(name)?.[0]));
}
