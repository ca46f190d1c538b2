import type * as pulumi from "@pulumi/pulumi";
import { unwrapped } from "./registration";

/** The id that this cloud gives a resource. */
export const idOf = (name: string) => `${name}-id`;

/** What the cloud makes of a resource: its inputs, and what else the program reads of it. */
export function newResource(
  args: pulumi.runtime.MockResourceArgs,
): pulumi.runtime.MockResourceResult {
  const inputs = unwrapped(args.inputs) as Record<string, unknown>;
  const id = idOf(args.name);
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

/** What the cloud answers to questions, in a region of these zones. */
export function callOf(zones: string[]) {
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

/** Every type in every zone. */
function offeringsOf(types: string[], zones: string[]): Record<string, unknown> {
  const pairs = types.flatMap((type) => zones.map((zone) => ({ type, zone: `xx-test-1${zone}` })));
  return {
    instanceTypes: pairs.map(({ type }) => type),
    locations: pairs.map(({ zone }) => zone),
  };
}
