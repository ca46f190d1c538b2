import type * as pulumi from "@pulumi/pulumi";
import { unwrapped } from "./registration";

/** The id that this cloud gives a resource. */
export const idOf = (name: string) => `${name}-id`;

/** The id of a lab that is there already. */
export const KEPT_ID = "0123abcd";

/** What the cloud makes of resources: their inputs, and what else the program reads of them. */
export function resourcesOf({ isUp }: Cloud) {
  return (args: pulumi.runtime.MockResourceArgs): pulumi.runtime.MockResourceResult =>
    args.name === "lab-id" && isUp === true
      ? { id: idOf(args.name), state: { output: KEPT_ID } }
      : newResource(args);
}

function newResource(args: pulumi.runtime.MockResourceArgs): pulumi.runtime.MockResourceResult {
  const inputs = unwrapped(args.inputs) as Record<string, unknown>;
  const id = idOf(args.name);
  switch (args.type) {
    case "aws:ec2/instance:Instance":
      return { id, state: { ...inputs, publicIp: addressOf(id) } };
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

/** What cloud a program is run against. */
export interface Cloud {
  region: string;
  /** Letters of its zones. */
  zones: string[];
  /** Whether a zone has an instance type; all have all by default. */
  offers?: (type: string, zone: string) => boolean;
  /** Whether the lab is there already. */
  isUp?: boolean;
  /** The name of a host that is there. */
  host?: string;
  /** A host that bears the stack's name: the id of its lab, or an empty text for none. */
  namesake?: string;
}

const addressOf = (instanceId: string) => `address of ${instanceId}`;

/** What the cloud answers to questions. */
export function callOf(cloud: Cloud) {
  const { region, zones, host, isUp, namesake } = cloud;
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
          tags: namesake === undefined || namesake === "" ? {} : { Lab: namesake },
        };
      case "aws:ec2/getInstances:getInstances":
        return { ids: found(inputs as Wanted) ? ["i-0"] : [] };
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
