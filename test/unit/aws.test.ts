import { spawnSync } from "node:child_process";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { contains, overlap, parseCidr } from "../../components/lib/addresses";
import { readUserData } from "../../local-cloud/machine/cloud-init";
import { type HostTarget } from "../../operator/wish";
import { declareLab, type Graph, wishOf, wishOfKind } from "./support/graph";
import { rulesOf, SERVICE_RULES } from "./support/rules";
import { readVariables } from "./support/script";

/*
 * Everything that a careful engineer looks at before paying for it, in labs of every kind.
 */

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** By the start of a host's name. */
const STOP_ORDER = { client: "0", kafka: "1", zookeeper: "2", bastion: "3" };
const isInCluster = (host: string) => ["zookeeper", "kafka"].includes(roleOf(host));
const roleOf = (name: string) => name.replace(/-.*/, "") as keyof typeof STOP_ORDER;

/** AWS types that take no tags. */
const UNTAGGED =
  /:(VpcDhcpOptionsAssociation|Route|RouteTableAssociation|Record|VolumeAttachment|InstanceState|EipAssociation)$/;

let lab: Graph;
const inputs = (name: string) => lab.byName(name).inputs;
const dependencies = (name: string) => lab.byName(name).dependencies;

const AWS = { target: "aws", sshAllowedCidrs: '["203.0.113.7/32"]' };

interface Kind {
  settings: Record<string, string>;
  zones?: string[];
  /** Whether it is there already. */
  isUp?: boolean;
}

const KINDS: Record<string, Kind> = {
  "the default": { settings: AWS },
  "open to clients": { settings: { ...AWS, clientAllowedCidrs: '["203.0.113.0/24"]' } },
  "open to clients, and paused": {
    settings: { ...AWS, clientAllowedCidrs: '["203.0.113.0/24"]', running: "false" },
  },
  private: { settings: { ...AWS, topology: "private" } },
  "private, and there already": { settings: { ...AWS, topology: "private" }, isUp: true },
  "there already": { settings: AWS, isUp: true },
  arm64: { settings: { ...AWS, architecture: "arm64" } },
  "5 ZooKeeper nodes and 9 brokers": {
    settings: { ...AWS, zookeeperNodes: "5", brokers: "9" },
  },
  "a region with two zones": {
    settings: { ...AWS, region: "us-west-1" },
    zones: ["a", "c"],
  },
  "another domain and CIDR": {
    settings: {
      ...AWS,
      domain: "lab.foo.bar",
      vpcCidr: "192.168.128.0/20",
      topology: "private",
    },
  },
  "two client hosts": { settings: { ...AWS, clients: "2" } },
  "private, with a client host": { settings: { ...AWS, topology: "private", clients: "1" } },
  "with client hosts, and paused": { settings: { ...AWS, clients: "2", running: "false" } },
  paused: { settings: { ...AWS, running: "false" } },
  "private and paused": { settings: { ...AWS, topology: "private", running: "false" } },
};

describe.each(Object.entries(KINDS))(
  "on AWS, %s",
  (_, { settings, zones = ["a", "b", "c", "d"], isUp = false }) => {
    const isPrivate = settings.topology === "private";
    const running = settings.running !== "false";
    const domain = settings.domain ?? "foo.bar";
    const isOpen = settings.clientAllowedCidrs !== undefined;
    const brokers = Number(settings.brokers ?? 3);
    const zookeepers = Number(settings.zookeeperNodes ?? 3);
    const clients = Number(settings.clients ?? 0);
    const usedZones = zones.slice(0, 3);
    const tier = isPrivate ? "private" : "public";
    let hosts: string[];

    /** The resource whose address commands for a host go to. */
    const addressed = (host: string) =>
      isOpen && host.startsWith("kafka-") ? `${host}-address` : `${host}-instance`;
    /** The resource that must be there before: the state, for what may have been started again. */
    const source = (host: string) =>
      addressed(host).endsWith("-address")
        ? `${host}-address-association`
        : `${host}-${isUp ? "state" : "instance"}`;

    beforeAll(async () => {
      lab = await declareLab(settings, { zones, isUp });
      hosts = lab.ofType("kafkalab:index:Host").map(({ name }) => name);
    });

    test("hosts", () => {
      expect(hosts).toHaveLength(brokers + zookeepers + clients + (isPrivate ? 1 : 0));
      expect(Object.keys(lab.outputs.hosts as object)).toHaveLength(hosts.length);
    });

    test("every resource has a parent, and its parent's name before its own", () => {
      for (const { name, type, parent, custom } of lab.resources) {
        if (parent === "") {
          const alone = ["pulumi:providers:aws", "pulumi:index:Stash"].includes(type);
          expect(custom && !alone, name).toBe(false);
        } else {
          expect(name.startsWith(`${parent}-`), `${name} below ${parent}`).toBe(true);
        }
      }
    });

    test("every AWS resource is of the official plugin, in the region", () => {
      expect(inputs("aws")).toMatchObject({ region: settings.region ?? "ap-northeast-2" });
      for (const { name, type, provider } of lab.resources) {
        if (type.startsWith("aws:")) {
          expect(provider, name).toContain("::pulumi:providers:aws::aws::");
        }
      }
    });

    test("whatever takes tags has a Name and the lab's tags, and every rule a description", () => {
      for (const { name, type, inputs } of lab.resources) {
        if (type.startsWith("aws:") && !UNTAGGED.test(type)) {
          expect(inputs.tags, name).toEqual({
            Name: expect.stringMatching(/\S/) as string,
            Project: "kafkalab",
            Stack: "test",
            Lab: expect.stringMatching(/^[0-9a-f]{8}$/) as string,
            ...(type === "aws:ec2/instance:Instance" && {
              StopOrder: STOP_ORDER[roleOf(name)],
            }),
          });
        }
        if (/SecurityGroup/.test(type)) {
          expect(inputs.description, name).toMatch(/^[A-Za-z0-9 .,:/']{5,255}$/);
        }
      }
    });

    test("subnets: one of each kind in each zone, apart from one another, in the VPC", () => {
      const subnets = lab.ofType("aws:ec2/subnet:Subnet");
      const kinds = isPrivate ? ["public", "private"] : ["public"];
      expect(subnets.map(({ name }) => name)).toEqual(
        kinds.flatMap((kind) => usedZones.map((_, i) => `network-${kind}-subnet-${i + 1}`)),
      );
      const blocks = subnets.map(({ inputs }) => parseCidr(String(inputs.cidrBlock)));
      const vpc = parseCidr(String(inputs("network-vpc").cidrBlock));
      blocks.forEach((block, i) => {
        expect(block && vpc && contains(vpc, block)).toBe(true);
        const others = blocks.filter((_, j) => j !== i);
        expect(others.some((other) => block && other && overlap(block, other))).toBe(false);
      });
      for (const { name, inputs } of subnets) {
        const [, kind, ordinal] = /^network-(\w+)-subnet-(\d)$/.exec(name) ?? [];
        expect(inputs.availabilityZone).toBe(`xx-test-1${usedZones[Number(ordinal) - 1] ?? ""}`);
        expect(inputs.mapPublicIpOnLaunch).toBe(kind === "public");
        expect(lab.byName(`network-${kind}-routes-subnet-${ordinal}`).inputs).toEqual({
          routeTableId: `network-${kind}-routes-id`,
          subnetId: `${name}-id`,
        });
      }
    });

    test("the way out", () => {
      const routes = lab.ofType("aws:ec2/route:Route").map(({ inputs }) => inputs);
      const toInternet = {
        routeTableId: "network-public-routes-id",
        destinationCidrBlock: "0.0.0.0/0",
        gatewayId: "network-gateway-id",
      };
      // A NAT gateway costs by the hour, so a paused lab has none.
      if (!isPrivate || !running) {
        expect(routes).toEqual([toInternet]);
        expect(lab.ofType("aws:ec2/natGateway:NatGateway")).toEqual([]);
        expect(lab.ofType("aws:ec2/eip:Eip")).toHaveLength(isOpen ? brokers : 0);
        return;
      }
      expect(routes).toEqual([
        toInternet,
        {
          routeTableId: "network-private-routes-id",
          destinationCidrBlock: "0.0.0.0/0",
          natGatewayId: "network-nat-id",
        },
      ]);
      expect(inputs("network-nat")).toMatchObject({
        allocationId: "network-nat-address-id",
        subnetId: "network-public-subnet-2-id",
      });
      // Its elastic address cannot be another gateway's before it is gone.
      expect(lab.byName("network-nat").deleteBeforeReplace).toBe(true);
      expect(inputs("network-nat-address")).toMatchObject({ domain: "vpc" });
      expect(dependencies("network-nat-address")).toContain("network-gateway");
      for (const name of ["zookeeper-1-install", "kafka-2-install"]) {
        expect(dependencies(name)).toContain("network-private-route");
      }
    });

    test("security: who, to whom, which port", () => {
      const entrance = isPrivate ? "bastion" : "hosts";
      expect(rulesOf(lab)).toEqual(
        [
          `${entrance} <- 203.0.113.7/32 tcp 22 22`,
          "hosts -> 0.0.0.0/0 tcp 443 443",
          "hosts -> 0.0.0.0/0 tcp 80 80",
          "hosts -> hosts icmp 8 -1",
          "hosts <- hosts icmp 8 -1",
          ...(isOpen ? ["kafka <- 203.0.113.0/24 tcp 9094 9094"] : []),
          ...(isPrivate
            ? [
                "bastion -> kafka tcp 9095 9095",
                "kafka <- bastion tcp 9095 9095",
                "bastion -> hosts tcp 22 22",
                "hosts <- bastion tcp 22 22",
                "bastion -> 0.0.0.0/0 tcp 443 443",
                "bastion -> 0.0.0.0/0 tcp 80 80",
              ]
            : []),
          ...(clients > 0
            ? ["client -> kafka tcp 9092 9092", "kafka <- client tcp 9092 9092"]
            : []),
          ...SERVICE_RULES,
        ].sort(),
      );
      expect(lab.ofType("aws:ec2/securityGroup:SecurityGroup")).toHaveLength(
        3 + (isPrivate ? 1 : 0) + (clients > 0 ? 1 : 0),
      );
    });

    test("nothing but SSH, Kafka's clients and downloads goes beyond the VPC, and no rule stands inside a group", () => {
      for (const { name, type, inputs } of lab.resources) {
        if (/Security\w+Rule$/.test(type) && inputs.referencedSecurityGroupId === undefined) {
          const ingress = type.endsWith("IngressRule");
          expect([inputs.cidrIpv6, inputs.prefixListId], name).toEqual([undefined, undefined]);
          expect(inputs.ipProtocol, name).toBe("tcp");
          expect(inputs.fromPort, name).toBe(inputs.toPort);
          expect(ingress ? [22, ...(isOpen ? [9094] : [])] : [80, 443], name).toContain(
            inputs.fromPort,
          );
          if (ingress) {
            expect(inputs.cidrIpv4, name).not.toMatch(/\/0$/);
          }
        }
      }
      for (const group of lab.ofType("aws:ec2/securityGroup:SecurityGroup")) {
        expect(Object.keys(group.inputs).sort()).toEqual(["description", "name", "tags", "vpcId"]);
      }
    });

    test("instances: where, what, and how guarded", () => {
      for (const host of hosts) {
        const role = host.replace(/-\d+$/, "");
        const ordinal = role === host ? 1 : Number(host.slice(role.length + 1));
        const zone = ((ordinal - 1) % usedZones.length) + 1;
        const instance = lab.byName(`${host}-instance`);
        const small = settings.architecture === "arm64" ? "t4g" : "t3";
        const size =
          { zookeeper: "small", kafka: "medium", client: "small", bastion: "nano" }[role] ?? "";
        const debianName = settings.architecture === "arm64" ? "arm64" : "amd64";
        expect(instance.inputs, host).toMatchObject({
          ami: `ami of /aws/service/debian/release/12/latest/${debianName}`,
          instanceType: `${small}.${size}`,
          subnetId: `network-${role === "bastion" ? "public" : tier}-subnet-${zone}-id`,
          vpcSecurityGroupIds:
            role === "bastion"
              ? ["firewall-bastion-id"]
              : ["firewall-hosts-id", `firewall-${role}-id`],
          keyName: expect.stringMatching(/^kafkalab-test-[0-9a-f]{8}$/) as string,
          userDataReplaceOnChange: true,
          metadataOptions: {
            httpEndpoint: "enabled",
            httpTokens: "required",
            httpPutResponseHopLimit: 1,
          },
          rootBlockDevice: { volumeType: "gp3", encrypted: true },
        });
        const root = instance.inputs.rootBlockDevice as { tags: Record<string, string> };
        expect(root.tags).toMatchObject({ Name: expect.stringMatching(/-root$/) as string });
        expect(instance.deleteBeforeReplace).toBe(true);
        expect(instance.secrets).toEqual(["userData"]);
      }
    });

    test("each host is in its state, and stops in order", () => {
      for (const host of hosts) {
        const state = lab.byName(`${host}-state`);
        expect(state.inputs).toEqual({
          instanceId: `${host}-instance-id`,
          state: running ? "running" : "stopped",
        });
        expect(state.deletedWith).toBe(`${host}-instance`);
      }
      const states = (name: string) =>
        dependencies(name).filter((other) => other.endsWith("-state")).length;
      if (clients > 0) {
        expect(states("client-1-state")).toBe(0);
      }
      expect(states("kafka-1-state")).toBe(running ? 0 : clients);
      expect(states("zookeeper-1-state")).toBe(running ? 0 : clients + brokers);
      if (isPrivate) {
        expect(states("bastion-state")).toBe(running ? 0 : clients + brokers + zookeepers);
      }
    });

    test("each volume is encrypted, in its host's zone, and attached; bastion and clients have none", () => {
      for (const host of hosts) {
        if (!isInCluster(host)) {
          expect(lab.resources.map(({ name }) => name)).not.toContain(`${host}-volume`);
          continue;
        }
        const subnet = String(inputs(`${host}-instance`).subnetId).replace(/-id$/, "");
        expect(inputs(`${host}-volume`)).toMatchObject({
          availabilityZone: inputs(subnet).availabilityZone,
          type: "gp3",
          encrypted: true,
          tags: { Name: expect.stringMatching(/-data$/) as string },
        });
        const attachment = lab.byName(`${host}-attachment`);
        expect(attachment.inputs).toEqual({
          deviceName: "/dev/sdf",
          instanceId: `${host}-instance-id`,
          volumeId: `${host}-volume-id`,
          stopInstanceBeforeDetaching: true,
        });
        expect(attachment.deletedWith).toBe(`${host}-instance`);
      }
    });

    test("each host has its name and its address in the DNS", () => {
      const addresses = hosts.map((host) => String(inputs(`${host}-instance`).privateIp));
      expect(new Set(addresses).size).toBe(hosts.length);
      for (const [index, host] of hosts.entries()) {
        const address = addresses[index] ?? "";
        const subnet = String(inputs(`${host}-instance`).subnetId).replace(/-id$/, "");
        const block = parseCidr(String(inputs(subnet).cidrBlock));
        const own = parseCidr(`${address}/32`);
        expect(block && own && contains(block, own)).toBe(true);
        const { name } = inputs(`${host}-record`);
        expect(String(name)).toMatch(
          new RegExp(`^peter-(zk|kafka|client|bastion)\\d\\d\\.${domain}$`),
        );
        expect(inputs(`${host}-record`)).toMatchObject({
          zoneId: "dns-zone-id",
          type: "A",
          records: [address],
        });
        expect(inputs(`${host}-pointer`)).toMatchObject({
          zoneId: "dns-reverse-zone-id",
          name: `${address.split(".").reverse().join(".")}.in-addr.arpa`,
          type: "PTR",
          records: [name],
        });
      }
      expect(inputs("dns-zone")).toMatchObject({ name: domain });
      expect(inputs("network-dhcp")).toMatchObject({ domainName: domain });
    });

    test("user data, as cloud-init reads it", async () => {
      for (const host of hosts) {
        const userData = String(inputs(`${host}-instance`).userData);
        expect(Buffer.byteLength(userData)).toBeLessThan(16_384);
        const { config, scripts } = await readUserData(Buffer.from(userData));
        expect(config.fqdn).toBe(inputs(`${host}-record`).name);
        expect(config.ssh_keys?.ed25519_public).toBe(`ssh-ed25519 ${host}-host-key\n`);
        const script = scripts[0]?.text ?? "";
        expect(spawnSync("bash", ["-n"], { input: script }).status).toBe(0);
        expect(readVariables(script, ["VOLUME_ID"])).toBe(
          `${isInCluster(host) ? `${host}-volume-id` : ""}|`,
        );
      }
    });

    test("commands go to where hosts are now, with pinned keys; a paused lab has none", () => {
      const commands = lab.ofType("command:remote:Command");
      if (!running) {
        expect(commands).toEqual([]);
        expect(lab.ofType("kafkalab:index:SmokeTest")).toEqual([]);
        return;
      }
      expect(commands).toHaveLength(brokers + zookeepers + clients);
      for (const { name, inputs: command, secrets, dependencies, deletedWith } of commands) {
        const host = deletedWith.replace(/-instance$/, "");
        const direct = (of: string) => ({
          host: `address of ${addressed(of)}-id`,
          user: "ec2-user",
          hostKey: `ssh-ed25519 ${of}-host-key`,
          privateKey: "PRIVATE key-key\n",
          dialErrorLimit: 40,
          perDialTimeout: 5,
          port: 22,
        });
        expect(command.connection, name).toEqual(
          isPrivate
            ? {
                ...direct(host),
                host: inputs(`${host}-instance`).privateIp,
                proxy: direct("bastion"),
              }
            : direct(host),
        );
        expect(secrets, name).toEqual(["connection"]);
        expect(dependencies, name).toContain(source(host));
        if (isPrivate) {
          expect(dependencies, name).toContain(source("bastion"));
        }
        expect(dependencies, name).toContain("firewall-rules");
        if (isInCluster(host)) {
          expect(dependencies, name).toContain(
            roleOf(host) === "kafka" ? "kafka-names" : `${host}-record`,
          );
        }
      }
    });

    test("the operator goes to where hosts are now, with pinned keys; a paused lab has none", () => {
      const commands = lab
        .ofType("command:local:Command")
        .filter(({ name }) => !name.endsWith("-attempt"));
      if (!running) {
        expect(lab.ofType("command:local:Command")).toEqual([]);
        return;
      }
      expect(commands).toHaveLength(3);
      const direct = (of: string) => ({
        host: `address of ${addressed(of)}-id`,
        port: 22,
        user: "ec2-user",
        privateKey: "PRIVATE key-key\n",
        hostKey: `ssh-ed25519 ${of}-host-key`,
      });
      const target = (of: string): HostTarget => ({
        name: String(inputs(`${of}-record`).name).replace(/\..*/, ""),
        connection: isPrivate
          ? {
              ...direct(of),
              host: String(inputs(`${of}-instance`).privateIp),
              proxy: direct("bastion"),
            }
          : direct(of),
      });
      for (const command of commands) {
        const found = wishOf(command);
        const role = found.kind === "zookeeper" ? "zookeeper" : "kafka";
        const of = hosts.filter((host) => host.startsWith(`${role}-`));
        const nodes = found.kind === "zookeeper" ? found.nodes : found.brokers;
        expect(nodes.map(({ host }) => host)).toEqual(of.map(target));
        expect(command.secrets, command.name).toContain("stdin");
        for (const host of isPrivate ? [...of, "bastion"] : of) {
          expect(command.dependencies, command.name).toContain(source(host));
        }
      }
      for (const host of hosts.filter(isInCluster)) {
        const attempt = `${host.replace(/-\d+$/, "")}-ready-attempt`;
        expect(dependencies(attempt)).toEqual(
          expect.arrayContaining([`${host}-install`, `${host}-attachment`]),
        );
      }
    });

    test("brokers know the zone that they are in", () => {
      if (!running) {
        return;
      }
      const wish = wishOfKind(lab.byName("kafka-ready"), "kafka");
      expect(wish.brokers).toHaveLength(brokers);
      for (const { id, rack, stages } of wish.brokers) {
        const config = stages[0]?.config;
        const subnet = String(inputs(`kafka-${id}-instance`).subnetId).replace(/-id$/, "");
        const zone = String(inputs(subnet).availabilityZone).slice(-1);
        expect(rack).toBe(`id-of-xx-test-1${zone}`);
        expect(config).toContain(`broker.rack=${rack}\n`);
        expect(String(inputs(`kafka-${id}-install`).stdin)).toContain(`broker.rack=${rack}\n`);
      }
    });

    test("secrets are marked", () => {
      expect(lab.secretOutputs).toEqual(["privateKey"]);
      for (const { name, inputs, secrets } of lab.resources) {
        const leaks = Object.keys(inputs).filter(
          (key) => !secrets.includes(key) && JSON.stringify(inputs[key])?.includes("PRIVATE"),
        );
        expect(leaks, name).toEqual([]);
      }
    });
  },
);
