import * as pulumi from "@pulumi/pulumi";
import { vi } from "vitest";

/** One resource as the program has registered it. */
export interface Registration {
  type: string;
  name: string;
  urn: string;
  parent: string;
  provider: string;
  custom: boolean;
  /** Inputs without secret marks. */
  inputs: Record<string, unknown>;
  /** Paths of the inputs that are marked secret. */
  secrets: string[];
  /** Names of what it depends on. */
  dependencies: string[];
  /** Name of the resource whose deletion it dies with. */
  deletedWith: string;
  ignoreChanges: string[];
  /** What it is replaced by a change of; unwrapped. */
  replacementTrigger: unknown;
  deleteBeforeReplace: boolean;
  timeouts: { create: string; update: string };
}

/** What a program declares, by name, and its stack outputs. */
export interface Graph {
  resources: Registration[];
  byName: (name: string) => Registration;
  ofType: (type: string) => Registration[];
  outputs: Record<string, unknown>;
  secretOutputs: string[];
}

const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const SIGNATURE = "4dabf18193072939515e22adb298388d";

/** Zones of the region that the mock is. */
export const ZONES = ["a", "b", "c", "d"];

interface Request {
  getType(): string;
  getName(): string;
  getParent(): string;
  getProvider(): string;
  getCustom(): boolean;
  getObject(): { toJavaScript(): Record<string, unknown> };
  getDependenciesList(): string[];
  getDeletedwith(): string;
  getIgnorechangesList(): string[];
  getReplacementTrigger(): { toJavaScript(): unknown } | undefined;
  getDeletebeforereplace(): boolean;
  getCustomtimeouts(): { getCreate(): string; getUpdate(): string } | undefined;
}

interface Monitor {
  registerResource(request: Request, callback: (error: unknown, answer: unknown) => void): unknown;
}

let requests: Request[] = [];

/** Names of what the last program registered, though it failed. */
export function registered(): string[] {
  return requests.map((request) => request.getName());
}

/** Runs `index.ts` with these settings against a mock of the cloud, and says what it declares. */
export async function declareLab(
  settings: Record<string, string> = {},
  zones: string[] = ZONES,
): Promise<Graph> {
  vi.resetModules();
  await pulumi.runtime.setMocks({ newResource, call: callOf(zones) }, "kafkalab", "test", false);
  pulumi.runtime.setAllConfig(
    Object.fromEntries(Object.entries(settings).map(([key, value]) => [`kafkalab:${key}`, value])),
  );
  requests = [];
  const monitor = pulumi.runtime.getMonitor() as unknown as Monitor;
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request, callback) => {
    requests.push(request);
    return register(request, callback);
  };

  // A program that fails does so here, once, however many outputs it has.
  const program = (await import("../../../index.js")) as Record<string, unknown>;
  const outputs: Record<string, unknown> = {};
  const secretOutputs: string[] = [];
  await Promise.allSettled(Object.values(program));
  for (const [name, value] of Object.entries(program)) {
    const output = pulumi.output(await (value as Promise<unknown>));
    outputs[name] = await valueOf(output);
    if (await pulumi.isSecret(output)) {
      secretOutputs.push(name);
    }
  }
  await pulumi.runtime.disconnect();
  const resources = requests.map(toRegistration);
  return {
    resources,
    outputs,
    secretOutputs,
    byName: (name) =>
      only(
        resources.filter((resource) => resource.name === name),
        name,
      ),
    ofType: (type) => resources.filter((resource) => resource.type === type),
  };
}

/** The value of an output, once it is known. */
export function valueOf<T>(output: pulumi.Output<T>): Promise<T> {
  return (output as unknown as { promise(): Promise<T> }).promise();
}

function newResource(args: pulumi.runtime.MockResourceArgs): pulumi.runtime.MockResourceResult {
  const inputs = unwrap(args.inputs, "", []) as Record<string, unknown>;
  const id = `${args.name}-id`;
  switch (args.type) {
    case "pulumi:index:Stash":
      return { id, state: { ...inputs, output: inputs.input } };
    case "tls:index/privateKey:PrivateKey":
      return {
        id,
        state: {
          ...inputs,
          privateKeyOpenssh: `PRIVATE ${args.name}\n`,
          publicKeyOpenssh: `ssh-ed25519 ${args.name}\n`,
        },
      };
    case "command:remote:Command":
      return { id, state: { ...inputs, stdout: stdoutOf(args.name), stderr: "" } };
    default:
      return { id, state: inputs };
  }
}

function stdoutOf(name: string): string {
  return name === "smoke-test-round-trip"
    ? '{"message":"smoke-1","partition":0,"offset":7,"leader":2,"inSyncReplicas":[2,3,1]}'
    : "";
}

function callOf(zones: string[]) {
  return ({ token, inputs }: pulumi.runtime.MockCallArgs): Record<string, unknown> => {
    switch (token) {
      case "aws:index/getAvailabilityZones:getAvailabilityZones":
        return {
          region: "xx-test-1",
          names: zones.map((zone) => `xx-test-1${zone}`),
          zoneIds: zones.map((zone) => `xxt1-az${zone}`),
        };
      case "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings":
        return offeringsOf((inputs as Offers).filters[0]?.values ?? [], zones);
      case "aws:ec2/getInstance:getInstance":
        return { publicIp: `address of ${(inputs as { instanceId: string }).instanceId}` };
      case "aws:ssm/getParameter:getParameter":
        return { insecureValue: `ami of ${(inputs as { name: string }).name}` };
      default:
        throw new Error(`unexpected call of ${token}`);
    }
  };
}

interface Offers {
  filters: { values: string[] }[];
}

/** Every type in every zone, but that one zone has no m7i. */
function offeringsOf(types: string[], zones: string[]): Record<string, unknown> {
  const pairs = types.flatMap((type) =>
    zones
      .filter((zone) => !(type.startsWith("m7i.") && zone === "b"))
      .map((zone) => ({ type, zone: `xx-test-1${zone}` })),
  );
  return {
    instanceTypes: pairs.map(({ type }) => type),
    locations: pairs.map(({ zone }) => zone),
  };
}

function toRegistration(request: Request): Registration {
  const secrets: string[] = [];
  const inputs = unwrap(request.getObject().toJavaScript(), "", secrets);
  const timeouts = request.getCustomtimeouts();
  return {
    type: request.getType(),
    name: request.getName(),
    urn: `${request.getType()}::${request.getName()}`,
    parent: nameOf(request.getParent()),
    provider: request.getProvider(),
    custom: request.getCustom(),
    inputs: inputs as Record<string, unknown>,
    secrets,
    dependencies: request.getDependenciesList().map(nameOf),
    deletedWith: nameOf(request.getDeletedwith()),
    ignoreChanges: request.getIgnorechangesList(),
    replacementTrigger: unwrap(request.getReplacementTrigger()?.toJavaScript(), "", []),
    deleteBeforeReplace: request.getDeletebeforereplace(),
    timeouts: { create: timeouts?.getCreate() ?? "", update: timeouts?.getUpdate() ?? "" },
  };
}

function unwrap(value: unknown, path: string, secrets: string[]): unknown {
  if (Array.isArray(value)) {
    return value.map((item, index) => unwrap(item, `${path}[${index}]`, secrets));
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  const object = value as Record<string, unknown>;
  if (object[SIGNATURE] === SECRET) {
    secrets.push(path);
    return unwrap(object.value, path, secrets);
  }
  return Object.fromEntries(
    Object.entries(object).map(([key, item]) => [
      key,
      unwrap(item, path === "" ? key : `${path}.${key}`, secrets),
    ]),
  );
}

function nameOf(urn: string): string {
  return urn.split("::").at(-1) ?? "";
}

function only(found: Registration[], name: string): Registration {
  const [first] = found;
  if (first === undefined || found.length > 1) {
    throw new Error(`${found.length} resources are named ${name}`);
  }
  return first;
}
