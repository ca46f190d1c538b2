import type { StateResource } from "../pulumi/stacks";

/** How a host is reached. */
export interface LabHost {
  /** Its name, then its names in the lab's DNS. */
  names: [string, ...string[]];
  privateIp: string;
  /** Empty if it has none, or is stopped. */
  publicIp: string;
  /** The public host key, pinned. */
  hostKey: string;
  /** Where SSH connects to; a host that is stopped has none. */
  address?: string;
  /** The host through which SSH goes. */
  via?: string;
}

/** Hosts by name. */
export type Hosts = Record<string, LabHost>;

/** All that SSH needs. */
export interface Access {
  /** The private login key. */
  key: string;
  hosts: Hosts;
}

const TYPES = {
  instance: "aws:ec2/instance:Instance",
  record: "aws:route53/record:Record",
  keyPair: "aws:ec2/keyPair:KeyPair",
  privateKey: "tls:index/privateKey:PrivateKey",
} as const;

/**
 * Reads from Pulumi's state how the hosts of a stack are reached.
 *
 * It reads the resources. The stack's outputs are as the last `up` left them that went well; Pulumi
 * writes a resource down as soon as it is made, so this works while `up` runs, and after it has failed.
 * A host is an Instance with its host key and its records, all children of one component.
 *
 * @param resources With secrets in the clear.
 */
export function readAccess(resources: readonly StateResource[]): Access {
  // What is to be deleted, or was in order to be made again, is no part of the stack any more.
  const present = resources.filter((each) => !each.delete && !each.pendingReplacement);
  const byUrn = new Map(present.map((resource) => [resource.urn, resource]));
  const families = familiesOf(present);
  const hosts = families
    .flatMap((family) => hostOf(family, byUrn) ?? [])
    .sort((a, b) => (a.names[0] < b.names[0] ? -1 : 1));
  const bastion = hosts.find(
    ({ names, publicIp }) => publicIp !== "" && names[0].startsWith("peter-bastion"),
  );
  return {
    key: loginKeyOf(families),
    hosts: Object.fromEntries(hosts.map((host) => [host.names[0], reached(host, bastion)])),
  };
}

/** Resources by parent. */
function familiesOf(resources: readonly StateResource[]): StateResource[][] {
  const families = new Map<string, StateResource[]>();
  for (const resource of resources) {
    const parent = resource.parent ?? "";
    families.set(parent, [...(families.get(parent) ?? []), resource]);
  }
  return [...families.values()];
}

function hostOf(
  family: readonly StateResource[],
  byUrn: ReadonlyMap<string, StateResource>,
): LabHost | undefined {
  const instance = family.find(({ type }) => type === TYPES.instance);
  if (instance === undefined) {
    return undefined;
  }
  // A public address is that of one start. `up` looks it up, and the component notes it with the
  // instance and with the address that Pulumi had for it. Where Pulumi now has another one, it has
  // made, changed or refreshed the instance since, and knows better.
  const noted = byUrn.get(instance.parent ?? "")?.outputs ?? {};
  const isSame = noted["instanceId"] === instance.id;
  const isLatest = isSame && noted["instanceIp"] === instance.outputs?.["publicIp"];
  const { Name: name } = (instance.inputs?.["tags"] ?? {}) as { Name?: string };
  const records = family
    .filter(({ type, inputs }) => type === TYPES.record && inputs?.["type"] === "A")
    .map(({ inputs }) => text(inputs?.["name"]));
  const publicIp = (isLatest ? noted : (instance.outputs ?? {}))["publicIp"];
  return {
    names: [text(name), ...records],
    privateIp: text(instance.outputs?.["privateIp"]),
    publicIp: text(publicIp),
    // A new key is there before the instance that gets it, and may stay without.
    hostKey: text(isSame ? noted["hostKey"] : keyOf(family)?.["publicKeyOpenssh"]).trimEnd(),
  };
}

function reached(host: LabHost, bastion: LabHost | undefined): LabHost {
  if (host.publicIp !== "") {
    return { ...host, address: host.publicIp };
  }
  return bastion === undefined ? host : { ...host, address: host.privateIp, via: bastion.names[0] };
}

const keyOf = (family: readonly StateResource[]) =>
  family.find(({ type }) => type === TYPES.privateKey)?.outputs;

function loginKeyOf(families: readonly StateResource[][]): string {
  const family = families.find((each) => each.some(({ type }) => type === TYPES.keyPair));
  return family === undefined ? "" : text(keyOf(family)?.["privateKeyOpenssh"]);
}

/** A text of a state; Pulumi exports a secret as the JSON of its value. */
function text(value: unknown): string {
  if (typeof value === "string") {
    return value;
  }
  const secret = (value ?? {}) as { plaintext?: string };
  return typeof secret.plaintext === "string" ? text(JSON.parse(secret.plaintext)) : "";
}
