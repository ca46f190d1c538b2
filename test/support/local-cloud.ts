import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { credentials, type ServiceError } from "@grpc/grpc-js";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as messages from "@pulumi/pulumi/proto/provider_pb";
import { Struct, type JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb";
import type { StoredResource as CloudRecord, State } from "../../local-cloud/machine/store";
import { run, waitFor } from "./run";
import type { SmallMachine } from "./small-machine";

/** Properties of a resource, as Pulumi's engine sends them. */
export type Props = Record<string, unknown>;

export interface Resource {
  urn: string;
  id: string;
  inputs: Props;
  outs: Props;
}

const PLUGIN = resolve(__dirname, "../../local-cloud/aws/pulumi-resource-aws");

const struct = (props: Props) => Struct.fromJavaScript(props as Record<string, JavaScriptValue>);
const plain = (value: Struct | undefined) => (value?.toJavaScript() ?? {}) as Props;

/** A value that Pulumi does not know before the resource that has it is made. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export const secret = (value: unknown) => ({
  "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
  value,
});

/** What a local cloud of a test finds around it. */
export interface Surroundings {
  /** @default one of its own in the directory for temporary files */
  stateDir?: string;
  /** The user's umask. @default 022 */
  umask?: string;
  /** The machine whose links, routes and firewall the plugins see. @default this one */
  machine?: SmallMachine;
}

/** A process of the plugin, spoken to as Pulumi's engine does. */
export class Plugin {
  private constructor(
    readonly process: ChildProcess,
    private readonly client: ResourceProviderClient,
    private readonly stack: string,
    private readonly ids: Set<string>,
    private readonly relay?: ChildProcess,
  ) {}

  static async start(
    stateDir: string,
    stack: string,
    ids = new Set<string>(),
    { umask = "022", machine, lab }: Omit<Surroundings, "stateDir"> & { lab?: string } = {},
  ): Promise<Plugin> {
    const start = ["sh", "-c", `umask ${umask}; exec "$0" "$@"`, PLUGIN, "127.0.0.1:1"];
    const [program = "", ...args] = [...(machine?.enter ?? []), ...start];
    const child = spawn(program, args, {
      env: {
        ...process.env,
        KAFKALAB_STATE: stateDir,
        ...(lab !== undefined && { KAFKALAB_LAB: lab }),
      },
      stdio: ["ignore", "pipe", process.env["KEEP"] ? "inherit" : "ignore"],
    });
    const port = await new Promise<string>((found, failed) => {
      createInterface(child.stdout).once("line", found);
      child.once("exit", (code) => failed(new Error(`the plugin ended with status ${code}`)));
    });
    const address = `127.0.0.1:${port}`;
    const relay = machine && (await machine.relay(address, join(stateDir, `${port}.socket`)));
    const client = new ResourceProviderClient(
      relay?.address ?? address,
      credentials.createInsecure(),
    );
    return new Plugin(child, client, stack, ids, relay?.process);
  }

  urn(type: string, name: string): string {
    return `urn:pulumi:${this.stack}::kafkalab::${type}::${name}`;
  }

  async check(type: string, name: string, news: Props, olds: Props = {}) {
    const request = new messages.CheckRequest();
    request.setUrn(this.urn(type, name));
    request.setOlds(struct(olds));
    request.setNews(struct(news));
    const response = await call<messages.CheckResponse>((done) => this.client.check(request, done));
    return {
      inputs: plain(response.getInputs()),
      failures: response.getFailuresList().map((f) => `${f.getProperty()} ${f.getReason()}`),
    };
  }

  /** Checks, and makes the resource. */
  async create(type: string, name: string, news: Props): Promise<Resource> {
    const { inputs, failures } = await this.check(type, name, news);
    if (failures.length) throw new Error(`check: ${failures.join("; ")}`);
    const urn = this.urn(type, name);
    const request = new messages.CreateRequest();
    request.setUrn(urn);
    request.setProperties(struct(inputs));
    const response = await call<messages.CreateResponse>((done) =>
      this.client.create(request, done),
    );
    this.ids.add(response.getId());
    return { urn, id: response.getId(), inputs, outs: plain(response.getProperties()) };
  }

  /** What an update to these inputs would do. */
  async diff(resource: Resource, changes: Props = {}) {
    const { inputs, failures } = await this.checkChange(resource, changes);
    if (failures.length) throw new Error(`check: ${failures.join("; ")}`);
    const request = new messages.DiffRequest();
    request.setId(resource.id);
    request.setUrn(resource.urn);
    request.setOlds(struct(resource.outs));
    request.setNews(struct(inputs));
    const response = await call<messages.DiffResponse>((done) => this.client.diff(request, done));
    return {
      changes: response.getChanges() === messages.DiffResponse.DiffChanges.DIFF_SOME,
      replaces: response.getReplacesList(),
      deleteBeforeReplace: response.getDeletebeforereplace(),
    };
  }

  async update(resource: Resource, changes: Props): Promise<Resource> {
    const { inputs } = await this.checkChange(resource, changes);
    const request = new messages.UpdateRequest();
    request.setId(resource.id);
    request.setUrn(resource.urn);
    request.setOlds(struct(resource.outs));
    request.setNews(struct(inputs));
    const response = await call<messages.UpdateResponse>((done) =>
      this.client.update(request, done),
    );
    return { ...resource, inputs, outs: plain(response.getProperties()) };
  }

  /** As `pulumi refresh` does; undefined if the resource is gone. */
  async read(resource: Pick<Resource, "id" | "urn" | "outs">): Promise<Resource | undefined> {
    const request = new messages.ReadRequest();
    request.setId(resource.id);
    request.setUrn(resource.urn);
    request.setProperties(struct(resource.outs));
    const response = await call<messages.ReadResponse>((done) => this.client.read(request, done));
    if (response.getId() === "") return undefined;
    const [inputs, outs] = [plain(response.getInputs()), plain(response.getProperties())];
    return { urn: resource.urn, id: response.getId(), inputs, outs };
  }

  /** @param resource With its outputs, if a refresh has come before the deletion. */
  async delete({ id, urn, outs = {} }: Pick<Resource, "id" | "urn"> & Partial<Resource>) {
    const request = new messages.DeleteRequest();
    request.setId(id);
    request.setUrn(urn);
    request.setProperties(struct(outs));
    await call((done) => this.client.delete(request, done));
  }

  async invoke(token: string, args: Props): Promise<Props> {
    const request = new messages.InvokeRequest();
    request.setTok(token);
    request.setArgs(struct(args));
    const response = await call<messages.InvokeResponse>((done) =>
      this.client.invoke(request, done),
    );
    return plain(response.getReturn());
  }

  /** Ends it at once, whatever it is doing. */
  kill(): Promise<void> {
    return this.end("SIGKILL");
  }

  /** Ends it as the engine does when it needs it no more. */
  stop(): Promise<void> {
    return this.end("SIGINT");
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { process } = this;
    if (process.exitCode === null && process.signalCode === null) {
      const ended = new Promise((done) => process.once("exit", done));
      process.kill(signal);
      await ended;
    }
    this.client.close();
    this.relay?.kill();
  }

  private checkChange(resource: Resource, changes: Props) {
    const [type = "", name = ""] = resource.urn.split("::").slice(2);
    const news = Object.fromEntries(
      Object.entries({ ...resource.inputs, ...changes }).filter(([, v]) => v !== undefined),
    );
    return this.check(type, name, news, resource.inputs);
  }
}

/** A local cloud of the test's own, with as many plugins as it likes. */
export class Cloud {
  /** Every id that was seen. */
  readonly ids = new Set<string>();
  readonly stateDir: string;
  private readonly plugins: Plugin[] = [];

  constructor(private readonly surroundings: Surroundings = {}) {
    const name = `kafkalab-cloud-${randomBytes(4).toString("hex")}`;
    this.stateDir = surroundings.stateDir ?? join(tmpdir(), name);
  }

  /** @param lab What stands for `.lab`. @default the checkout's */
  async plugin(stack = "test", lab?: string): Promise<Plugin> {
    mkdirSync(this.stateDir, { recursive: true, mode: 0o700 });
    const { umask, machine } = this.surroundings;
    const plugin = await Plugin.start(this.stateDir, stack, this.ids, { umask, machine, lab });
    this.plugins.push(plugin);
    return plugin;
  }

  get records(): CloudRecord[] {
    const file = join(this.stateDir, "cloud", "state.json");
    if (!existsSync(file)) return [];
    const { records } = JSON.parse(readFileSync(file, "utf8")) as State;
    for (const id of Object.keys(records)) this.ids.add(id);
    return Object.values(records).sort((a, b) => a.sequence - b.sequence);
  }

  /** Waits until the records fulfil the condition: for a test that acts in the middle of a call. */
  until(what: string, condition: (records: CloudRecord[]) => boolean): Promise<unknown> {
    return waitFor(what, "there", 30, () => {
      const { records } = this;
      return condition(records) ? records : `${records.length} records`;
    });
  }

  /** Deletes all resources, at once: each waits a while for its users to go. */
  async destroy(): Promise<void> {
    const plugin = await this.plugin();
    await Promise.all(this.records.map((record) => plugin.delete(record)));
    await plugin.stop();
  }

  /** Ends the plugins and removes whatever the test left. */
  async dispose(): Promise<void> {
    await Promise.all(this.plugins.map((plugin) => plugin.kill()));
    if (this.records.length) await this.destroy();
    rmSync(this.stateDir, { recursive: true, force: true });
  }
}

function call<T>(
  action: (done: (error: ServiceError | null, response: T) => void) => unknown,
): Promise<T> {
  return new Promise((done, failed) => {
    action((error, response) => (error ? failed(new Error(error.details)) : done(response)));
  });
}

/** Runs a shell script in an instance, as root, and returns what it says. */
export async function hostShell(instanceId: string, script: string): Promise<string> {
  const { status, output } = await tryHostShell(instanceId, script);
  if (status !== 0) throw new Error(`${script} on ${instanceId}: status ${status}: ${output}`);
  return output.trim();
}

/** As {@link hostShell}, with its status. */
export function tryHostShell(instanceId: string, script: string) {
  const pid = hostInit(instanceId);
  if (pid === undefined) return Promise.reject(new Error(`${instanceId} does not run`));
  return run(
    ["nsenter", "--target", `${pid}`, "--mount", "--uts", "--ipc", "--net", "--pid", "sh", "-c", script],
  ); // prettier-ignore
}

/** The systemd of an instance, as the machine numbers it. */
export function hostInit(instanceId: string): number | undefined {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .find((pid) => {
      try {
        const [status, groups] = ["status", "cgroup"].map((f) =>
          readFileSync(`/proc/${pid}/${f}`, "utf8"),
        );
        // One that has ended stays in the list until its parent has seen it.
        const hasEnded = /^State:\t[ZX]/m.test(status!);
        return !hasEnded && /^NSpid:\t\d+\t1$/m.test(status!) && groups!.includes(instanceId);
      } catch {
        return false; // ended meanwhile
      }
    });
}

/** Waits until the instance has done its first boot, or this one, and has its address. */
export async function booted(instanceId: string, privateIp: string): Promise<void> {
  await waitFor(`instance ${instanceId}`, "booted", 30, async () => {
    if (hostInit(instanceId) === undefined) return "no systemd";
    const seen = await tryHostShell(
      instanceId,
      "test -e /var/lib/cloud/instance/boot-finished && systemctl is-active ssh && ip -4 -br address show ens5",
    ).catch((error: unknown) => ({ status: 1, output: String(error) }));
    return seen.status === 0 && seen.output.includes(privateIp) ? seen : seen.output || "nothing";
  });
}
