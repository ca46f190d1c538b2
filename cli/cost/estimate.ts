import { idOf } from "../dry-run/cloud";
import type { Registration } from "../dry-run/registration";
import { PriceList } from "./price-list";
import type { Prices, Section, Usage } from "./prices";

/** One item with a price. */
export interface Item {
  /** Its host or component. */
  group: string;
  /** The resource's name in Pulumi. */
  resource: string;
  what: string;
  /** USD; `undefined` if the table has no price. */
  perMonth: number | undefined;
  /** Whether it is free or does not exist while the lab is paused. */
  onlyRunning: boolean;
}

/** The estimated cost of a program's resources. */
export interface Estimate {
  region: string;
  items: Item[];
  /** USD, without items that have no price. */
  perMonth: number;
  /** The same while the lab is paused. */
  pausedPerMonth: number;
  /** Messages about missing prices, each with a remedy. */
  missing: string[];
  /** Prices that depend on usage. They are not in the total. */
  usage: Section<number>[];
  /** The sources of the prices. */
  sections: Section<unknown>[];
}

type Thing = Pick<Item, "what" | "perMonth"> & Partial<Pick<Item, "onlyRunning">>;

type Inputs = Registration["inputs"];

const INSTANCE = "aws:ec2/instance:Instance";
const INSTANCE_STATE = "aws:ec2transitgateway/instanceState:InstanceState";
const EIP_ASSOCIATION = "aws:ec2/eipAssociation:EipAssociation";
const SUBNET = "aws:ec2/subnet:Subnet";
const NAT_GATEWAY = "aws:ec2/natGateway:NatGateway";
const ZONE = "aws:route53/zone:Zone";

/** Free resource types. A type that is neither free nor priced is reported as missing. */
const FREE = new Set([
  INSTANCE_STATE,
  EIP_ASSOCIATION,
  "aws:ec2/internetGateway:InternetGateway",
  "aws:ec2/keyPair:KeyPair",
  "aws:ec2/route:Route",
  "aws:ec2/routeTable:RouteTable",
  "aws:ec2/routeTableAssociation:RouteTableAssociation",
  "aws:ec2/securityGroup:SecurityGroup",
  SUBNET,
  "aws:ec2/volumeAttachment:VolumeAttachment",
  "aws:ec2/vpc:Vpc",
  "aws:ec2/vpcDhcpOptions:VpcDhcpOptions",
  "aws:ec2/vpcDhcpOptionsAssociation:VpcDhcpOptionsAssociation",
  "aws:route53/record:Record",
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
]);

/** Estimates the cost of a program's resources. */
export function estimate(resources: Registration[], prices: Prices, region: string): Estimate {
  const list = new PriceList(prices, region);
  const instances = resources.filter(({ type }) => type === INSTANCE);
  const hostOf = new Map(instances.map(({ parent, inputs }) => [parent, nameTag(inputs)]));
  const stopped = new Set(
    resources
      .filter(({ type, inputs }) => type === INSTANCE_STATE && inputs.state === "stopped")
      .map(({ inputs }) => inputs.instanceId),
  );
  // AWS assigns a public address to an instance that starts in such a subnet.
  const publicSubnets = new Set(
    resources
      .filter(({ type, inputs }) => type === SUBNET && inputs.mapPublicIpOnLaunch === true)
      .map(({ name }) => idOf(name)),
  );
  const associations = resources.filter(({ type }) => type === EIP_ASSOCIATION);
  const elastic = new Set(
    associations.flatMap(({ inputs }) => [inputs.instanceId, inputs.allocationId]),
  );
  const items = resources.flatMap((resource) =>
    thingsOf(resource, list, {
      stopped: stopped.has(idOf(resource.name)),
      addressed: publicSubnets.has(String(resource.inputs.subnetId)),
      elastic: elastic.has(idOf(resource.name)),
    }).map((thing) => ({
      group: hostOf.get(resource.parent) ?? resource.parent,
      resource: resource.name,
      onlyRunning: false,
      ...thing,
    })),
  );
  return {
    region,
    items,
    perMonth: sum(items),
    pausedPerMonth: sum(items.filter(({ onlyRunning }) => !onlyRunning)),
    missing: [...list.missing],
    usage: usageOf(resources).map((usage) => prices.usage[usage]),
    sections: [...list.used],
  };
}

/** Facts about an instance or an elastic IP address from other resources. */
interface Situation {
  stopped: boolean;
  /** Whether the instance is in a subnet where it gets a public address. */
  addressed: boolean;
  /** Whether an elastic IP address belongs to an instance. It then takes the place of that address. */
  elastic: boolean;
}

function thingsOf({ type, inputs }: Registration, list: PriceList, situation: Situation): Thing[] {
  switch (type) {
    case INSTANCE:
      return instance(inputs, list, situation);
    case "aws:ebs/volume:Volume":
      return [volume("volume", inputs.type ?? "gp2", inputs.size, inputs, list)];
    // A paused lab has neither a NAT gateway nor its address, but keeps the addresses of its hosts.
    case "aws:ec2/eip:Eip": {
      const onlyRunning = !situation.elastic;
      return [{ what: "Elastic IP address", perMonth: list.address(), onlyRunning }];
    }
    case NAT_GATEWAY:
      return [{ what: "NAT gateway", perMonth: list.natGateway(), onlyRunning: true }];
    case ZONE:
      return [{ what: `zone ${String(inputs.name)}`, perMonth: list.zone() }];
    default:
      if (!type.startsWith("aws:") || FREE.has(type)) {
        return [];
      }
      list.missing.add(
        `Whether ${type} costs anything is not known. Add it to cli/cost/estimate.ts.`,
      );
      return [{ what: type, perMonth: undefined }];
  }
}

/** The instance, its root volume, and its public address, which exists only while it runs. */
function instance(
  inputs: Inputs,
  list: PriceList,
  { stopped, addressed, elastic }: Situation,
): Thing[] {
  const type = String(inputs.instanceType);
  const root = (inputs.rootBlockDevice ?? {}) as Inputs;
  const things: Thing[] = [
    stopped
      ? { what: `${type}, stopped`, perMonth: 0 }
      : { what: type, perMonth: list.instance(type), onlyRunning: true },
    volume("root volume", root.volumeType, root.volumeSize, root, list),
  ];
  if (addressed && !elastic && !stopped) {
    things.push({ what: "public IPv4 address", perMonth: list.address(), onlyRunning: true });
  }
  return things;
}

function volume(what: string, type: unknown, gib: unknown, more: Inputs, list: PriceList): Thing {
  if (typeof type !== "string" || typeof gib !== "number") {
    list.missing.add(`A ${what} has no type or size of its own. Declare both.`);
    return { what, perMonth: undefined };
  }
  const { iops, throughput: mibps } = more as { iops?: number; throughput?: number };
  const performance = [
    iops === undefined ? "" : `, ${iops} IOPS`,
    mibps === undefined ? "" : `, ${mibps} MiB/s`,
  ];
  return {
    what: `${what}, ${gib} GiB ${type}${performance.join("")}`,
    perMonth: list.volume({ type, gib, iops, mibps }),
  };
}

function usageOf(resources: Registration[]): Usage[] {
  const has = (type: string, family = "") =>
    resources.some(
      (resource) =>
        resource.type === type && String(resource.inputs.instanceType).startsWith(family),
    );
  const usage: Record<Usage, boolean> = {
    internetGb: has(INSTANCE),
    zoneGb: has(INSTANCE),
    natGb: has(NAT_GATEWAY),
    queries: has(ZONE),
    t3Credits: has(INSTANCE, "t3."),
    t4gCredits: has(INSTANCE, "t4g."),
  };
  return (Object.keys(usage) as Usage[]).filter((name) => usage[name]);
}

/** The sum in USD per month. Ignores items without a price. */
export function sum(items: Item[]): number {
  return items.reduce((total, { perMonth }) => total + (perMonth ?? 0), 0);
}

function nameTag(inputs: Inputs): string | undefined {
  return (inputs.tags as { Name?: string } | undefined)?.Name;
}
