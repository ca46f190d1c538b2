import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { Host, type HostAccess } from "./host";
import { killPulumi, type Owner, reboot, type Sysctls } from "./machine";
import { type Ended, lastLine, run, type Running, start, waitFor } from "./run";

/** The checkout. */
export const root = resolve(__dirname, "../..");

/** How long an `up` may take, unless a test says otherwise. */
const UP_SECONDS = 420;
const DESTROY_SECONDS = 120;

/** What the local cloud has written down of one resource. */
export interface CloudRecord {
  id: string;
  type: string;
  urn: string;
  inputs: Record<string, unknown>;
  chosen: Record<string, unknown>;
}

interface CloudState {
  records: Record<string, CloudRecord>;
  sysctls: Sysctls;
}

/** The outputs of the program. */
export interface Outputs {
  bootstrapServers: string;
  clientBootstrapServers: string;
  zookeeperConnect: string;
  hosts: Record<string, HostOutput>;
  privateKey: string;
  topic: string;
  smokeTest: {
    message: string;
    partition: number;
    offset: number;
    leader: number;
    inSyncReplicas: number[];
  };
}

interface HostOutput {
  privateIp: string;
  publicIp: string;
  user: string;
  ssh: string;
  hostKey: string;
  via?: string;
}

/** Settings without `kafkalab:`. */
export type Settings = Record<string, unknown>;

/**
 * A lab of a test's own: the user's commands, on a state directory that nobody else has, and so in
 * an account of the local cloud that nobody else has.
 */
export class Lab {
  /** `KAFKALAB_STATE`. */
  readonly stateDir: string;
  /** The directory of the key and of the settings. Outside the state directory, which goes. */
  private readonly workDir = mkdtempSync(join(tmpdir(), "kafkalab-test-files-"));
  /** Every command with its output, so far. */
  private readonly transcript: string[] = [];
  private readonly ids = new Set<string>();
  private outputs: Outputs | undefined;
  /** After this a command is killed. */
  upSeconds = UP_SECONDS;
  private readonly stack: string;
  private readonly configFile: string;

  /**
   * @param name Names the directory of saved logs.
   * @param beside Another lab, with which this one shares the account as a stack of its own.
   */
  constructor(
    readonly name: string,
    beside?: Lab,
  ) {
    this.stateDir = beside?.stateDir ?? mkdtempSync(join(tmpdir(), "kafkalab-test-"));
    this.stack = beside === undefined ? "local" : `test-${name}`;
    // As a user would, in the checkout; gone with the lab.
    this.configFile = join(beside === undefined ? this.workDir : root, `Pulumi.${this.stack}.yaml`);
    this.configure({});
  }

  /** The environment of a user whose labs are in this state directory. */
  get env(): NodeJS.ProcessEnv {
    const inherited = Object.entries(process.env).filter(
      ([name]) => !/^(PULUMI_|VITEST|KAFKALAB_STATE$|NODE_ENV$|NODE_OPTIONS$|STACK$)/.test(name),
    );
    return { ...Object.fromEntries(inherited), KAFKALAB_STATE: this.stateDir };
  }

  /** Ids of all that the local cloud ever made for this lab, as far as the test has looked. */
  get owner(): Owner {
    this.records();
    return { stateDir: this.stateDir, ids: [...this.ids] };
  }

  /** Gives the next commands these settings, besides those that `local` has. */
  configure(settings: Settings): void {
    const names = Object.keys(settings);
    const own = readFileSync(join(root, "Pulumi.local.yaml"), "utf8")
      .split("\n")
      .filter((line) => !names.some((name) => line.startsWith(`  kafkalab:${name}:`)));
    // JSON is YAML.
    const lines = names.map((name) => `  kafkalab:${name}: ${JSON.stringify(settings[name])}`);
    own.splice(own.indexOf("config:") + 1, 0, ...lines);
    writeFileSync(this.configFile, own.join("\n"));
  }

  /** Starts `npm run COMMAND`: `up`, `preview`, `destroy`, `status`, `drill`. */
  start(command: string, ...flags: string[]): Running {
    const argv = ["scripts/dev/lab.sh", command, "--stack", this.stack, ...flags];
    if (["up", "preview", "destroy", "drill"].includes(command)) {
      argv.push("--config-file", this.configFile);
    }
    const timeoutSeconds = command === "destroy" ? DESTROY_SECONDS : this.upSeconds;
    const running = start(argv, { cwd: root, env: this.env, timeoutSeconds });
    const note = () => this.transcript.push(`$ ${argv.join(" ")}\n${running.output()}`);
    running.ended.then(note, note);
    return running;
  }

  /** Runs a command of the lab to its end, whatever its status. */
  async run(command: string, ...flags: string[]): Promise<Ended> {
    this.records();
    const ended = await this.start(command, ...flags).ended;
    this.records();
    if (command === "drill") {
      this.outputs = undefined; // a host that was off has another address now
    }
    return ended;
  }

  /**
   * Starts a command, and kills Pulumi once it has come to a point; an error if it ends before.
   *
   * @param reached Whether it is there, by what it has printed so far.
   * @param kill What is killed in place of Pulumi, by the id of the command's process.
   */
  async killAt(
    [command, ...flags]: [string, ...string[]],
    point: string,
    reached: (printed: string) => boolean,
    seconds = 300,
    kill: (pid: number) => boolean = killPulumi,
  ): Promise<void> {
    const running = this.start(command, ...flags);
    let ended = false;
    void running.ended.finally(() => (ended = true)).catch(() => undefined);
    await waitFor(command, `so far that ${point}`, seconds, () => {
      if (ended) {
        throw new Error(`${command} ended before ${point}:\n${running.output().slice(-4000)}`);
      }
      return reached(running.output()) && kill(running.pid) ? {} : lastLine(running.output());
    }).catch((cause: unknown) => {
      killPulumi(running.pid);
      throw cause;
    });
    const { status, output } = await running.ended;
    expect(status, output).not.toBe(0);
    this.records();
  }

  /** Brings the lab up; an error unless that ends well. */
  async up(...flags: string[]): Promise<string> {
    this.outputs = undefined;
    return this.succeed("up", flags);
  }

  /** Destroys the lab; an error unless that ends well. */
  async destroy(): Promise<string> {
    return this.succeed("destroy", []);
  }

  /** Fails unless `up` would change nothing. */
  async expectNoChanges(): Promise<void> {
    const { status, output } = await this.run("preview", "--expect-no-changes");
    expect(status, output).toBe(0);
  }

  /** Runs Pulumi itself, as a user whose environment is that of `npm run -s env`. */
  async pulumi(...args: string[]): Promise<Ended> {
    const script = 'eval "$(scripts/dev/lab.sh env)" && exec pulumi "$@"';
    const argv = ["bash", "-c", script, "pulumi", ...args, "--stack", this.stack];
    const ended = await run(argv, { cwd: root, env: this.env, timeoutSeconds: UP_SECONDS });
    if (!args.includes("--show-secrets")) {
      this.transcript.push(`$ pulumi ${args.join(" ")}\n${ended.output}`);
    }
    return ended;
  }

  /** As {@link pulumi}, with the settings of the lab. */
  pulumiConfigured(...args: string[]): Promise<Ended> {
    return this.pulumi(...args, "--config-file", this.configFile);
  }

  /** Everything that commands of the lab have printed. */
  printed(): string {
    return this.transcript.join("\n");
  }

  /** The program's outputs, secrets in the clear. */
  async stackOutputs(): Promise<Outputs> {
    if (this.outputs === undefined) {
      const { status, stdout, output } = await this.pulumi(
        "stack",
        "output",
        "--json",
        "--show-secrets",
      );
      if (status !== 0) {
        throw new Error(`the stack has no outputs: ${output}`);
      }
      this.outputs = JSON.parse(stdout) as Outputs;
    }
    return this.outputs;
  }

  /** Ids of all resources that Pulumi has in its state, and what it still had under way. */
  async pulumiState(): Promise<{ ids: Set<string>; pending: unknown[] }> {
    const { stdout } = await this.pulumi("stack", "export");
    const { deployment } = JSON.parse(stdout) as {
      deployment: { resources?: { id?: string }[]; pending_operations?: unknown[] };
    };
    return {
      ids: new Set(deployment.resources?.flatMap(({ id }) => id ?? [])),
      pending: deployment.pending_operations ?? [],
    };
  }

  /** The file of the login key, as a user keeps it. */
  async keyFile(): Promise<string> {
    const file = join(this.workDir, "keypair.pem");
    writeFileSync(file, (await this.stackOutputs()).privateKey, { mode: 0o600 });
    return file;
  }

  /** Every host, by name. */
  async hosts(): Promise<Map<string, Host>> {
    const { hosts } = await this.stackOutputs();
    const keyFile = await this.keyFile();
    const knownHosts = join(this.workDir, "known_hosts");
    const lines = Object.values(hosts).map(
      (host) => `${host.via === undefined ? host.publicIp : host.privateIp} ${host.hostKey}\n`,
    );
    writeFileSync(knownHosts, lines.join(""));
    const access = (name: string, host: HostOutput): HostAccess => {
      const { publicIp, privateIp, user, via } = host;
      const bastion = via === undefined ? undefined : hosts[via];
      return {
        ...{ name, publicIp, privateIp, user, keyFile, knownHosts },
        ...(via !== undefined && bastion && { via: access(via, bastion) }),
      };
    };
    return new Map(
      Object.entries(hosts).map(([name, host]) => [name, new Host(access(name, host))]),
    );
  }

  /** What the local cloud has on record. */
  records(): CloudRecord[] {
    const records = Object.values(this.cloudState()?.records ?? {}).filter(
      ({ urn }) => urn.split("::")[0] === `urn:pulumi:${this.stack}`,
    );
    records.forEach(({ id }) => this.ids.add(id));
    return records;
  }

  /** The records of one type, such as `Instance`. */
  recordsOf(type: string): CloudRecord[] {
    return this.records().filter((record) => record.type.endsWith(`:${type}`));
  }

  /** Whether the local cloud has written anything down. */
  get cloudStateFile(): string {
    return join(this.stateDir, "cloud/state.json");
  }

  /** Does to the lab what a reboot of the machine does. */
  async reboot(): Promise<void> {
    await reboot(this.owner, this.cloudState()?.sysctls ?? {});
  }

  /** Writes what there is to know about a failure to `.lab/log/`, and returns where. */
  async saveLogs(): Promise<string> {
    const dir = join(
      root,
      ".lab/log",
      `${this.name}-${new Date().toISOString().replace(/[:.]/g, "-")}`,
    );
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    writeFileSync(join(dir, "commands.log"), this.printed());
    const instances = join(this.stateDir, "cloud/instances");
    for (const id of existsSync(instances) ? readdirSync(instances) : []) {
      const console = join(instances, id, "console.log");
      if (existsSync(console)) {
        writeFileSync(join(dir, `${id}-console.log`), readFileSync(console));
      }
    }
    for (const id of this.ids) {
      const runDir = join("/run/kafkalab", id);
      for (const file of existsSync(runDir) ? readdirSync(runDir) : []) {
        if (file.endsWith(".log")) {
          writeFileSync(join(dir, `${id}-${file}`), readFileSync(join(runDir, file)));
        }
      }
    }
    await Promise.all(
      this.recordsOf("Instance").map(async ({ id, urn }) => {
        const argv = [
          ...["nsenter", "--all", "--target", await pidOne(id)],
          ...["journalctl", "--boot", "--no-pager", "--output=short-precise"],
        ];
        const journal = await run(argv, { timeoutSeconds: 20 }).catch((error: unknown) =>
          String(error),
        );
        const text = typeof journal === "string" ? journal : journal.output;
        writeFileSync(join(dir, `${urn.split("::").at(-1)}-journal.log`), text);
      }),
    );
    return dir;
  }

  /** Removes the lab, by force if it cannot be destroyed in order. */
  async dispose(): Promise<void> {
    try {
      if (existsSync(this.stateDir)) {
        const { status } = await this.run("destroy");
        if (status !== 0) {
          await this.reboot();
        }
      }
    } finally {
      if (this.stack === "local") {
        rmSync(this.stateDir, { recursive: true, force: true });
      }
      rmSync(this.configFile, { force: true });
      rmSync(this.workDir, { recursive: true, force: true });
    }
  }

  private async succeed(command: string, flags: string[]): Promise<string> {
    const { status, output } = await this.run(command, ...flags);
    if (status !== 0) {
      throw new Error(`${command} ended with ${status}:\n${output.slice(-6000)}`);
    }
    return output;
  }

  private cloudState(): CloudState | undefined {
    try {
      return JSON.parse(readFileSync(this.cloudStateFile, "utf8")) as CloudState;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") {
        return undefined;
      }
      throw error;
    }
  }
}

/** The host's first process, as the machine numbers it. */
async function pidOne(id: string): Promise<string> {
  const { stdout } = await run(["ip", "netns", "pids", `kafkalab-${id}`]);
  const pids = stdout.trim().split("\n").map(Number);
  return String(Math.min(...pids));
}

/**
 * Gives the tests of a file a lab, and takes it away after them. When one of them fails, the lab's
 * logs are saved first; with `KEEP=1` in the environment the lab stays.
 *
 * @param prepare Runs before the tests.
 * @param beside See {@link Lab}; such a lab goes before the other one.
 */
export function useLab(name: string, prepare?: (lab: Lab) => Promise<unknown>, beside?: Lab): Lab {
  const lab = new Lab(name, beside);
  const failing = async (): Promise<void> => {
    process.stderr.write(`logs of the lab ${name}: ${await lab.saveLogs()}\n`);
  };
  beforeAll(async () => {
    try {
      await prepare?.(lab);
    } catch (error) {
      await failing();
      throw error;
    }
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === "fail") {
      await failing();
    }
  });
  afterAll(async () => {
    if (process.env.KEEP === "1") {
      process.stderr.write(`kept the lab ${name}: KAFKALAB_STATE=${lab.stateDir}\n`);
    } else {
      await lab.dispose();
    }
  });
  return lab;
}
