import type { ElasticAddress, HostModel, RuleModel, VpcModel } from "../machine/model";
import type { State } from "../machine/store";
import { elasticAddresses } from "./elastic-addresses";
import type { RecordOf } from "./kind";
import * as kinds from "./kinds";
import { find, having, recordsOf } from "./records";

type Instance = RecordOf<typeof kinds.instance>;
type Subnet = RecordOf<typeof kinds.subnet>;
type Vpc = RecordOf<typeof kinds.vpc>;
type Zone = RecordOf<typeof kinds.zone>;

/** The model of a VPC for the machine. @default undefined, if the VPC does not exist */
export function vpcModel(state: State, vpcId: string): VpcModel | undefined {
  const vpc = find(state, kinds.vpc, vpcId);
  if (!vpc || vpc.leaving) {
    return undefined;
  }
  const subnets = having(state, kinds.subnet, "vpcId", vpcId);
  const instances = instancesOf(state, subnets);
  const elastic = elasticAddresses(state);
  const association = having(state, kinds.dhcpOptionsAssociation, "vpcId", vpcId).at(-1);
  const options = find(state, kinds.dhcpOptions, association?.inputs.dhcpOptionsId);
  const domainName = options?.inputs.domainName;
  return {
    id: vpcId,
    cidr: vpc.inputs.cidrBlock,
    slot: vpc.chosen.slot,
    hasInternetGateway: having(state, kinds.internetGateway, "vpcId", vpcId).length > 0,
    subnets: subnets.map(({ id, inputs }) => ({ id, cidr: inputs.cidrBlock })),
    elastic: instances.flatMap(({ id }) => elastic.get(id) ?? []),
    hosts: hostModels(state, vpc, instances, elastic),
    groups: [
      defaultGroupModel(state, vpc),
      ...having(state, kinds.securityGroup, "vpcId", vpcId).map(({ id }) => ({
        id,
        rules: rulesOf(state, id),
      })),
    ],
    ...(domainName === undefined ? {} : { domainName }),
    zones: recordsOf(state, kinds.zone)
      .filter((zone) => zoneVpcs(zone).includes(vpcId))
      .map((zone) => zoneModel(state, zone)),
  };
}

function instancesOf(state: State, subnets: Subnet[]): Instance[] {
  const ids = new Set(subnets.map(({ id }) => id));
  return recordsOf(state, kinds.instance).filter(({ inputs }) => ids.has(inputs.subnetId));
}

function hostModels(
  state: State,
  vpc: Vpc,
  instances: Instance[],
  elastic: ReadonlyMap<string, ElasticAddress>,
): HostModel[] {
  const subnetIds = new Set(instances.map(({ inputs }) => inputs.subnetId));
  const routes = new Map([...subnetIds].map((id) => [id, wayOut(state, id)]));
  return instances.map((instance) => {
    const { subnetId } = instance.inputs;
    const route = routes.get(subnetId);
    // A stopped instance keeps its elastic address, but nothing reaches it.
    const publicIp = isStopped(instance) ? undefined : publicIpOf(instance, elastic);
    return {
      id: instance.id,
      subnetId,
      mac: instance.chosen.mac,
      privateIp: instance.chosen.privateIp,
      ...(publicIp !== undefined && route === "gateway" ? { publicIp } : {}),
      behindNat: route === "nat",
      groupIds: groupsOf(instance, vpc),
    };
  });
}

function zoneModel(state: State, zone: Zone): VpcModel["zones"][number] {
  return {
    name: zone.inputs.name.replace(/\.$/, ""),
    records: having(state, kinds.record, "zoneId", zone.id).map(({ inputs, chosen }) => ({
      name: chosen.fqdn,
      type: inputs.type,
      values: inputs.records,
    })),
  };
}

/** The VPCs that a private zone is attached to. */
export const zoneVpcs = ({ inputs }: Pick<Zone, "inputs">) => inputs.vpcs.map(({ vpcId }) => vpcId);

/** Whether somebody stopped the instance on purpose. If so, it stays stopped. */
export const isStopped = ({ chosen }: Instance) => chosen.stopped === true;

/** The automatic public address of an instance. @default undefined, if it has none or is stopped */
export const automaticIpOf = (instance: Instance) =>
  isStopped(instance) ? undefined : instance.chosen.publicIp;

/** The public address of an instance: its elastic address, or else its automatic one. */
const publicIpOf = (instance: Instance, elastic: ReadonlyMap<string, ElasticAddress>) =>
  elastic.get(instance.id)?.address ?? automaticIpOf(instance);

/**
 * The default group, as on AWS. It allows all traffic between its members and all egress, plus the
 * program's own rules.
 */
function defaultGroupModel(state: State, { chosen }: Vpc): VpcModel["groups"][number] {
  const id = chosen.defaultSecurityGroupId;
  return {
    id,
    rules: [
      { direction: "ingress", protocol: "-1", peerGroupId: id },
      { direction: "egress", protocol: "-1", cidr: "0.0.0.0/0" },
      ...rulesOf(state, id),
    ],
  };
}

/**
 * The VPC of a security group, which is a resource or a VPC's default group. @default undefined, if the
 * group does not exist
 */
export function vpcOfGroup(state: State, groupId: string): string | undefined {
  const group = find(state, kinds.securityGroup, groupId);
  if (group) {
    return group.leaving ? undefined : group.inputs.vpcId;
  }
  return recordsOf(state, kinds.vpc).find((vpc) => vpc.chosen.defaultSecurityGroupId === groupId)
    ?.id;
}

/** The security groups of an instance. @default the default group of its VPC */
export function groupsOf({ inputs }: Instance, vpc: Vpc): string[] {
  const named = inputs.vpcSecurityGroupIds ?? [];
  return named.length > 0 ? named : [vpc.chosen.defaultSecurityGroupId];
}

function rulesOf(state: State, groupId: string): RuleModel[] {
  const rules = (kind: typeof kinds.ingressRule, direction: RuleModel["direction"]) =>
    having(state, kind, "securityGroupId", groupId).map(({ inputs }) => ({
      direction,
      protocol: inputs.ipProtocol,
      ...(inputs.fromPort === undefined ? {} : { fromPort: inputs.fromPort }),
      ...(inputs.toPort === undefined ? {} : { toPort: inputs.toPort }),
      ...(inputs.cidrIpv4 === undefined ? {} : { cidr: inputs.cidrIpv4 }),
      ...(inputs.referencedSecurityGroupId === undefined
        ? {}
        : { peerGroupId: inputs.referencedSecurityGroupId }),
    }));
  return [...rules(kinds.ingressRule, "ingress"), ...rules(kinds.egressRule, "egress")];
}

/** How the hosts of a subnet reach the internet; undefined if they cannot. */
function wayOut(state: State, subnetId: string): "gateway" | "nat" | undefined {
  const route = defaultRoute(state, subnetId);
  if (route?.inputs.gatewayId !== undefined) {
    return "gateway";
  }
  const nat = find(state, kinds.natGateway, route?.inputs.natGatewayId);
  // A NAT gateway in a private subnet cannot reach the internet either.
  const outside = nat && defaultRoute(state, nat.inputs.subnetId);
  return outside?.inputs.gatewayId !== undefined ? "nat" : undefined;
}

function defaultRoute(state: State, subnetId: string) {
  const [association] = having(state, kinds.routeTableAssociation, "subnetId", subnetId);
  return (
    association &&
    having(state, kinds.route, "routeTableId", association.inputs.routeTableId).find(
      ({ inputs }) => inputs.destinationCidrBlock === "0.0.0.0/0",
    )
  );
}
