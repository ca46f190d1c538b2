import * as pulumi from "@pulumi/pulumi";
import { unwrapped } from "./registration";

/** The id of a resource in this cloud. */
export const idOf = (name: string) => `${name}-id`;

/** The id of an existing lab. */
export const KEPT_ID = "0123abcd";

/** How many nodes of each cluster an existing lab had at its first `up`. */
const FOUNDERS = 3;

/** Returns a resource's outputs: its inputs, and other properties that the program reads. */
export function resourcesOf({ isUp }: Cloud) {
  return (args: pulumi.runtime.MockResourceArgs): pulumi.runtime.MockResourceResult => {
    const kept = isUp === true ? keptBy(args) : undefined;
    return kept === undefined
      ? newResource(args)
      : { id: idOf(args.name), state: { output: kept } };
  };
}

/** The output of an existing lab's stash, from the first `up`. */
function keptBy({ name, inputs }: pulumi.runtime.MockResourceArgs): string | undefined {
  if (name === "lab-id") {
    return KEPT_ID;
  }
  return name.endsWith("-founders")
    ? String((inputs as { input: unknown }).input)
        .split(" ")
        .slice(0, FOUNDERS)
        .join(" ")
    : undefined;
}

function newResource(args: pulumi.runtime.MockResourceArgs): pulumi.runtime.MockResourceResult {
  const inputs = unwrapped(args.inputs) as Record<string, unknown>;
  const id = idOf(args.name);
  switch (args.type) {
    case "aws:ec2/instance:Instance":
      return { id, state: { ...inputs, publicIp: addressOf(id) } };
    case "aws:ec2/eip:Eip":
      return { id, state: { ...inputs, publicIp: addressOf(id) } };
    case "aws:ec2/eipAssociation:EipAssociation":
      return { id, state: { ...inputs, publicIp: addressOf(String(inputs.allocationId)) } };
    case "pulumi:index:Stash":
      return { id, state: { ...inputs, output: inputs.input } };
    case "tls:index/privateKey:PrivateKey":
      return {
        id,
        state: {
          ...inputs,
          // The engine marks these as secret.
          privateKeyOpenssh: pulumi.secret(`PRIVATE ${args.name}\n`),
          privateKeyPem: pulumi.secret(`PEM <${args.name}>\n`),
          privateKeyPemPkcs8: pulumi.secret(`PKCS8 <${args.name}>\n`),
          publicKeyOpenssh: `ssh-ed25519 ${args.name}\n`,
        },
      };
    case "tls:index/certRequest:CertRequest":
      return { id, state: { ...inputs, certRequestPem: `REQUEST <${args.name}>\n` } };
    case "tls:index/selfSignedCert:SelfSignedCert":
    case "tls:index/locallySignedCert:LocallySignedCert":
      return {
        id,
        state: {
          ...inputs,
          certPem: `CERTIFICATE <${args.name}>\n`,
          validityEndTime: `end of ${args.name}`,
        },
      };
    case "command:local:Command":
    case "command:remote:Command":
      return { id, state: { ...inputs, stdout: stdoutOf(args.name, inputs), stderr: "" } };
    default:
      return { id, state: inputs };
  }
}

function stdoutOf(name: string, inputs: Record<string, unknown>): string {
  if (name === "smoke-test-round-trip") {
    return '{"message":"smoke-1","partition":0,"offset":7,"leader":2,"inSyncReplicas":[2,3,1]}';
  }
  // An attempt prints the time, which differs in each run.
  return name.endsWith("-attempt") ? `time of ${JSON.stringify(inputs)}` : "";
}

/** The cloud for a dry run. */
export interface Cloud {
  region: string;
  /** Letters of its zones. */
  zones: string[];
  /** Whether a zone offers an instance type. @default all zones offer all types */
  offers?: (type: string, zone: string) => boolean;
  /** Whether the lab already exists. */
  isUp?: boolean;
  /** The name of an existing host. */
  host?: string;
  /** An existing host with the stack's name: the id of its lab, or an empty string if it has none. */
  namesake?: string;
  /** The elastic IP addresses in the region that do not belong to the lab. @default 0 */
  foreignAddresses?: number;
}

/** AWS's default. */
const ADDRESS_QUOTA = 5;

const addressOf = (id: string) => `address of ${id}`;

/** Returns the results of the provider's functions. */
export function callOf(cloud: Cloud) {
  const { region, zones, host, isUp, namesake, foreignAddresses = 0 } = cloud;
  const found = ({ instanceTags: { Name, Lab } }: Wanted) =>
    Name === undefined
      ? namesake !== undefined
      : Name === host && Lab === (isUp === true ? KEPT_ID : undefined);
  return ({ token, inputs }: pulumi.runtime.MockCallArgs): Record<string, unknown> => {
    switch (token) {
      case "aws:index/getAvailabilityZones:getAvailabilityZones":
        return {
          region,
          names: zones.map((zone) => `${region}${zone}`),
          zoneIds: zones.map((zone) => `id-of-${region}${zone}`),
        };
      case "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings":
        return offerings(cloud, (inputs as Question).filters[0]?.values ?? []);
      case "aws:ec2/getInstance:getInstance":
        return {
          publicIp: addressOf((inputs as { instanceId: string }).instanceId),
          launchTime: "2026-01-01T00:00:00Z",
          tags: namesake === undefined || namesake === "" ? {} : { Lab: namesake },
        };
      case "aws:ec2/getInstances:getInstances":
        return { ids: found(inputs as Wanted) ? ["i-0"] : [] };
      case "aws:ec2/getEips:getEips": {
        const own = isUp === true ? ((inputs as Partial<Question>).filters?.[0]?.values ?? []) : [];
        const foreign = Array.from({ length: foreignAddresses }, (_, index) => `foreign-${index}`);
        return { allocationIds: "tags" in inputs ? own : [...own, ...foreign] };
      }
      case "aws:servicequotas/getServiceQuota:getServiceQuota":
        return { value: ADDRESS_QUOTA };
      case "aws:ssm/getParameter:getParameter":
        return { insecureValue: `ami of ${(inputs as { name: string }).name}` };
      default:
        throw new Error(`unexpected call of ${token}`);
    }
  };
}

interface Wanted {
  instanceTags: { Name?: string; Lab?: string };
}

interface Question {
  filters: { values: string[] }[];
}

function offerings({ region, zones, offers = () => true }: Cloud, types: string[]) {
  const pairs = types.flatMap((type) =>
    zones
      .filter((zone) => offers(type, zone))
      .map((zone) => ({ type, location: `${region}${zone}` })),
  );
  return {
    instanceTypes: pairs.map(({ type }) => type),
    locations: pairs.map(({ location }) => location),
  };
}
