import type { StateResource } from "../pulumi/stacks";

/** The data for an SSH connection to a host. */
export interface LabHost {
  /** Its name, followed by its names in the lab's DNS. */
  names: [string, ...string[]];
  privateIp: string;
  /** Empty if the host has none or is stopped. */
  publicIp: string;
  /** The pinned public host key. */
  hostKey: string;
  /** The address for SSH; undefined for a stopped host. */
  address?: string;
  /** The bastion, if SSH needs it. */
  via?: string;
}

/** Hosts by name. */
export type Hosts = Record<string, LabHost>;

/** The data for SSH connections to all hosts. */
export interface Access {
  /** The private login key. */
  key: string;
  hosts: Hosts;
}

const TYPES = {
  instance: "aws:ec2/instance:Instance",
  record: "aws:route53/record:Record",
  elastic: "aws:ec2/eipAssociation:EipAssociation",
  keyPair: "aws:ec2/keyPair:KeyPair",
  privateKey: "tls:index/privateKey:PrivateKey",
} as const;

/**
 * Reads the SSH data of a stack's hosts from Pulumi's state.
 *
 * It reads the resources, not the stack's outputs: the outputs are from the last successful `up`. Pulumi
 * saves a resource as soon as it exists, so this works while `up` runs and after a failed `up`. A host is an
 * Instance with its host key and its records, all children of one component.
 *
 * @param resources The resources with decrypted secrets.
 */
export function readAccess(resources: readonly StateResource[]): Access {
  // Ignore resources that are about to be deleted or were deleted for a replacement.
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

/** Groups resources by parent. */
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
  // A public address is valid for one start. `up` looks it up, and the component records it, together with
  // the instance's id and the address in Pulumi's state at that time. If the state now has another address,
  // Pulumi has created, changed or refreshed the instance since, so the state is newer.
  const noted = byUrn.get(instance.parent ?? "")?.outputs ?? {};
  const isSame = noted["instanceId"] === instance.id;
  const isLatest = isSame && noted["instanceIp"] === instance.outputs?.["publicIp"];
  const { Name: name } = (instance.inputs?.["tags"] ?? {}) as { Name?: string };
  const records = family
    .filter(({ type, inputs }) => type === TYPES.record && inputs?.["type"] === "A")
    .map(({ inputs }) => text(inputs?.["name"]));
  const elastic = family.find(({ type }) => type === TYPES.elastic)?.outputs;
  const latest = (isLatest ? noted : (instance.outputs ?? {}))["publicIp"];
  // An elastic address is valid from its association on. A stopped host has it, too, but cannot be reached.
  const publicIp = latest === "" ? latest : (elastic?.["publicIp"] ?? latest);
  return {
    names: [text(name), ...records],
    privateIp: text(instance.outputs?.["privateIp"]),
    publicIp: text(publicIp),
    // A new key exists before its instance. If the update fails, the old instance keeps the old key.
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

/** Reads a string from a state. Pulumi exports a secret as JSON. */
function text(value: unknown): string {
  if (typeof value === "string") {
    return value;
  }
  const secret = (value ?? {}) as { plaintext?: string };
  return typeof secret.plaintext === "string" ? text(JSON.parse(secret.plaintext)) : "";
}
