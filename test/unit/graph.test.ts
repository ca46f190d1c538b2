import { spawnSync } from "node:child_process";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { FIRST_BOOT_SECONDS, VOLUME_SECONDS } from "../../components/lib/waits";
import { readUserData } from "../../local-cloud/machine/cloud-init";
import { KEPT_ID } from "../../cli/dry-run/cloud";
import { ZONES } from "../../cli/dry-run/program";
import type { Registration } from "../../cli/dry-run/registration";
import { declareLab, type Graph, registered } from "./support/graph";
import { rulesOf, SERVICE_RULES } from "./support/rules";
import { readVariables } from "./support/script";

// Every graph is a program of its own; a busy machine takes its time over the large ones.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const COUNTS = {
  "pulumi:providers:aws": 1,
  "kafkalab:index:KeyPair": 1,
  "kafkalab:index:Network": 1,
  "kafkalab:index:Firewall": 1,
  "kafkalab:index:PrivateDns": 1,
  "kafkalab:index:ZooKeeperEnsemble": 1,
  "kafkalab:index:KafkaCluster": 1,
  "kafkalab:index:SmokeTest": 1,
  "kafkalab:index:Host": 6,
  "tls:index/privateKey:PrivateKey": 7,
  "aws:ec2/keyPair:KeyPair": 1,
  "aws:ec2/vpc:Vpc": 1,
  "aws:ec2/vpcDhcpOptions:VpcDhcpOptions": 1,
  "aws:ec2/vpcDhcpOptionsAssociation:VpcDhcpOptionsAssociation": 1,
  "aws:ec2/internetGateway:InternetGateway": 1,
  "aws:ec2/routeTable:RouteTable": 1,
  "aws:ec2/route:Route": 1,
  "aws:ec2/subnet:Subnet": 3,
  "aws:ec2/routeTableAssociation:RouteTableAssociation": 3,
  "aws:ec2/securityGroup:SecurityGroup": 3,
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": 7,
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": 8,
  "aws:route53/zone:Zone": 2,
  "aws:route53/record:Record": 12,
  "aws:ebs/volume:Volume": 6,
  "pulumi:index:Stash": 9,
  "aws:ec2/instance:Instance": 6,
  "aws:ec2transitgateway/instanceState:InstanceState": 6,
  "aws:ec2/volumeAttachment:VolumeAttachment": 6,
  "command:remote:Command": 19,
};

let lab: Graph;
const inputs = (name: string) => lab.byName(name).inputs;
const dependencies = (name: string) => lab.byName(name).dependencies;

describe("the book's lab", () => {
  beforeAll(async () => {
    lab = await declareLab();
  });

  test("counts", () => {
    const counts: Record<string, number> = {};
    for (const { type } of lab.resources) {
      counts[type] = (counts[type] ?? 0) + 1;
    }
    expect(counts).toEqual(COUNTS);
  });

  test("the network", () => {
    expect(inputs("network-vpc")).toMatchObject({
      cidrBlock: "10.20.0.0/16",
      enableDnsSupport: true,
      enableDnsHostnames: true,
    });
    expect(inputs("network-dhcp")).toMatchObject({
      domainName: "foo.bar",
      domainNameServers: ["AmazonProvidedDNS"],
    });
    expect(
      lab
        .ofType("aws:ec2/subnet:Subnet")
        .map(({ inputs }) => [inputs.availabilityZone, inputs.cidrBlock]),
    ).toEqual([
      ["xx-test-1a", "10.20.0.0/19"],
      ["xx-test-1b", "10.20.32.0/19"],
      ["xx-test-1c", "10.20.64.0/19"],
    ]);
    expect(inputs("network-public-route")).toEqual({
      routeTableId: "network-public-routes-id",
      destinationCidrBlock: "0.0.0.0/0",
      gatewayId: "network-gateway-id",
    });
  });

  test("every rule of the firewall", () => {
    expect(rulesOf(lab)).toEqual(
      [
        "hosts -> 0.0.0.0/0 tcp 443 443",
        "hosts -> 0.0.0.0/0 tcp 80 80",
        "hosts -> hosts icmp 8 -1",
        "hosts <- 198.18.0.0/15 tcp 22 22",
        "hosts <- hosts icmp 8 -1",
        ...SERVICE_RULES,
      ].sort(),
    );
  });

  test("names and addresses", () => {
    const records = lab
      .ofType("aws:route53/record:Record")
      .map(({ inputs }) => [inputs.zoneId, inputs.type, inputs.name, inputs.records]);
    const hosts = [
      ["peter-zk01.foo.bar", "10.20.0.4", "4.0"],
      ["peter-zk02.foo.bar", "10.20.32.4", "4.32"],
      ["peter-zk03.foo.bar", "10.20.64.4", "4.64"],
      ["peter-kafka01.foo.bar", "10.20.0.10", "10.0"],
      ["peter-kafka02.foo.bar", "10.20.32.10", "10.32"],
      ["peter-kafka03.foo.bar", "10.20.64.10", "10.64"],
    ];
    expect(records).toHaveLength(12);
    for (const [name, address, pointer = ""] of hosts) {
      expect(records).toContainEqual(["dns-zone-id", "A", name, [address]]);
      expect(records).toContainEqual([
        "dns-reverse-zone-id",
        "PTR",
        `${pointer}.20.10.in-addr.arpa`,
        [name],
      ]);
    }
    expect(inputs("dns-zone")).toMatchObject({
      name: "foo.bar",
      vpcs: [{ vpcId: "network-vpc-id" }],
    });
    expect(inputs("dns-reverse-zone")).toMatchObject({
      name: "20.10.in-addr.arpa",
      vpcs: [{ vpcId: "network-vpc-id" }],
    });
  });

  test.each([
    ["zookeeper", 1, "peter-zk01", "10.20.0.4", "t3.small", "xx-test-1a", 10],
    ["kafka", 2, "peter-kafka02", "10.20.32.10", "t3.medium", "xx-test-1b", 20],
  ])("host %s-%i", (role, ordinal, hostName, address, instanceType, zone, gib) => {
    const name = `${role}-${ordinal}`;
    const instance = lab.byName(`${name}-instance`);
    expect(instance.inputs).toMatchObject({
      ami: "ami of /aws/service/debian/release/12/latest/amd64",
      instanceType,
      subnetId: `network-public-subnet-${ordinal}-id`,
      privateIp: address,
      vpcSecurityGroupIds: ["firewall-hosts-id", `firewall-${role}-id`],
      keyName: expect.stringMatching(/^kafkalab-test-[0-9a-f]{8}$/) as string,
      metadataOptions: {
        httpEndpoint: "enabled",
        httpTokens: "required",
        httpPutResponseHopLimit: 1,
      },
      rootBlockDevice: {
        volumeType: "gp3",
        volumeSize: 10,
        encrypted: true,
        tags: { Name: `${hostName}-root` },
      },
      tags: { Name: hostName, StopOrder: role === "kafka" ? "1" : "2" },
    });
    expect(instance.secrets).toEqual(["userData"]);
    // A stopped instance has no public address, which must be no change.
    expect(Object.keys(instance.inputs)).not.toContain("associatePublicIpAddress");
    expect(instance.ignoreChanges).toEqual([]);
    expect(instance.deleteBeforeReplace).toBe(true);
    expect(instance.dependencies).toEqual(
      expect.arrayContaining([
        "network-public-route",
        "network-dhcp-vpc",
        `network-public-routes-subnet-${ordinal}`,
      ]),
    );

    expect(inputs(`${name}-volume`)).toMatchObject({
      availabilityZone: zone,
      size: gib,
      type: "gp3",
      encrypted: true,
      tags: { Name: `${hostName}-data` },
    });
    const attachment = lab.byName(`${name}-attachment`);
    expect(attachment.inputs).toEqual({
      deviceName: "/dev/sdf",
      instanceId: `${name}-instance-id`,
      volumeId: `${name}-volume-id`,
      stopInstanceBeforeDetaching: true,
    });
    expect(attachment.deletedWith).toBe(`${name}-instance`);
  });

  test("user data brings host key, login user and names, and a script that names the volume", async () => {
    const userData = String(inputs("kafka-3-instance").userData);
    expect(Buffer.byteLength(userData)).toBeLessThan(16_384);
    const { config, scripts } = await readUserData(Buffer.from(userData));
    expect(config).toMatchObject({
      fqdn: "peter-kafka03.foo.bar",
      ssh_keys: {
        ed25519_private: "PRIVATE kafka-3-host-key\n",
        ed25519_public: "ssh-ed25519 kafka-3-host-key\n",
      },
      users: ["default", { name: "ec2-user", ssh_authorized_keys: ["ssh-ed25519 key-key"] }],
    });
    expect(scripts).toHaveLength(1);
    const script = scripts[0]?.text ?? "";
    expect(spawnSync("bash", ["-n"], { input: script }).status).toBe(0);
    expect(readVariables(script, ["VOLUME_ID", "VOLUME_SECONDS"])).toBe(
      `kafka-3-volume-id|${VOLUME_SECONDS}|`,
    );
  });

  test("each wait for a first boot fits into the next one", () => {
    expect(FIRST_BOOT_SECONDS).toBeGreaterThan(VOLUME_SECONDS);
    const installs = lab
      .ofType("command:remote:Command")
      .filter(({ name }) => name.endsWith("-install"));
    expect(installs).toHaveLength(6);
    for (const { name, inputs: command, timeouts } of installs) {
      expect(readVariables(String(command.stdin), ["FIRST_BOOT_SECONDS"]), name).toBe(
        `${FIRST_BOOT_SECONDS}|`,
      );
      // A first boot that failed is run again, and may wait as long.
      const seconds = 60 * Number(/^(\d+)m$/.exec(timeouts.create)?.[1]);
      expect(seconds, name).toBeGreaterThan(FIRST_BOOT_SECONDS + VOLUME_SECONDS);
    }
  });

  test("every command has the pinned host key, a bound, and no secret outside its connection", () => {
    const commands = lab.ofType("command:remote:Command");
    for (const command of commands) {
      const host = /^(\w+-\d)-/.exec(command.name)?.[1];
      const expected = host ?? (command.name === "zookeeper-ready" ? "zookeeper-1" : "kafka-1");
      expect(command.inputs.connection, command.name).toMatchObject({
        user: "ec2-user",
        hostKey: `ssh-ed25519 ${expected}-host-key`,
        privateKey: "PRIVATE key-key\n",
        dialErrorLimit: 40,
      });
      expect(command.secrets, command.name).toEqual(["connection"]);
      // A new instance may well be at the old address: the command must still run there.
      expect(command.inputs.triggers, command.name).toContain(`${expected}-instance-id`);
      expect(command.inputs.create).toBe("sudo -n bash -s");
      expect(command.inputs.addPreviousOutputInEnv).toBe(false);
      expect(Object.keys(command.inputs)).not.toContain("delete");
      expect(command.deletedWith).toBe(`${expected}-instance`);
      expect(command.timeouts.create).toMatch(/^\d+m$/);
      expect(command.timeouts.update).toBe(command.timeouts.create);
      expect(JSON.stringify({ ...command.inputs, connection: null })).not.toContain("PRIVATE");
      const stdin = String(command.inputs.stdin);
      expect(spawnSync("bash", ["-n"], { input: stdin }).status, command.name).toBe(0);
    }
  });

  test("installs wait for names and the firewall, and not for their volume or one another", () => {
    for (const name of ["zookeeper-1", "zookeeper-3", "kafka-1", "kafka-3"]) {
      const found = dependencies(`${name}-install`);
      expect(found).toEqual(
        expect.arrayContaining([
          name.startsWith("kafka") ? "kafka-names" : `${name}-record`,
          "zookeeper-1-record",
          "zookeeper-2-record",
          "zookeeper-3-record",
          "firewall-hosts-ssh-198-18-0-0-15-in",
          "firewall-hosts-https-out",
        ]),
      );
      expect(found).not.toContain(`${name}-attachment`);
      expect(found.filter((other) => /install|configure|ready/.test(other))).toEqual([]);
    }
  });

  test("a broker is started once the names of all brokers are right, by one dependency", () => {
    const records = [1, 2, 3].flatMap((id) => [`kafka-${id}-record`, `kafka-${id}-pointer`]);
    expect(dependencies("kafka-names").sort()).toEqual(records.sort());
    expect(dependencies("kafka-1-install")).not.toContain("kafka-2-record");
    // Until the old pointer is gone, an address that hosts exchange has two.
    expect(lab.byName("kafka-1-pointer").deleteBeforeReplace).toBe(true);
    expect(lab.byName("kafka-1-record").deleteBeforeReplace).toBe(false);
  });

  test("configures are chained within a cluster, each after its host's volume", () => {
    const steps = (name: string) =>
      dependencies(name).filter((other) => /install|configure|ready/.test(other));
    expect(steps("zookeeper-3-configure")).toEqual(["zookeeper-3-install"]);
    expect(steps("zookeeper-2-configure").sort()).toEqual([
      "zookeeper-2-install",
      "zookeeper-3-configure",
    ]);
    expect(steps("kafka-3-configure")).toEqual(["kafka-3-install"]);
    expect(steps("kafka-1-configure").sort()).toEqual(["kafka-1-install", "kafka-2-configure"]);
    expect(dependencies("zookeeper-1-configure")).toContain("zookeeper-1-attachment");
    expect(dependencies("kafka-2-configure")).toContain("kafka-2-attachment");
  });

  test("a second round follows the first, for who leads in the first", () => {
    const steps = (name: string) =>
      dependencies(name).filter((other) => /-(configure|finish)$/.test(other));
    expect(steps("kafka-3-finish")).toEqual(["kafka-1-configure"]);
    expect(steps("kafka-2-finish")).toEqual(["kafka-3-finish"]);
    expect(steps("kafka-ready")).toEqual(["kafka-2-finish"]);
    expect(steps("zookeeper-3-finish")).toEqual(["zookeeper-1-configure"]);
    expect(steps("zookeeper-ready")).toEqual(["zookeeper-2-finish"]);
    const [first, second] = ["kafka-2-configure", "kafka-2-finish"].map((name) =>
      String(inputs(name).stdin),
    );
    expect(first).toContain("\nMAY_WAIT='true'\n");
    expect(second).toBe(first?.replace("\nMAY_WAIT='true'\n", "\nMAY_WAIT='false'\n"));
    expect(String(inputs("kafka-1-configure").stdin)).toContain("\nMAY_WAIT='true'\n");
    // The first node's second turn, and then the gate.
    const gate = String(inputs("kafka-ready").stdin);
    expect(gate).toContain("\nMAY_WAIT='false'\n");
    expect(gate.match(/^main <\/dev\/null$/gm)).toHaveLength(2);
  });

  test("gates come after the chain, and the smoke test after the gates", () => {
    expect(dependencies("zookeeper-ready")).toContain("zookeeper-2-finish");
    expect(dependencies("kafka-ready")).toContain("kafka-2-finish");
    expect(dependencies("kafka-ready")).not.toContain("zookeeper-ready");
    expect(dependencies("smoke-test-round-trip")).toEqual(
      expect.arrayContaining(["kafka-ready", "zookeeper-ready"]),
    );
    expect(inputs("smoke-test-round-trip").triggers).toEqual([
      expect.stringMatching(/^[0-9a-f]{16}$/),
      "kafka-1-instance-id",
      "kafka-2-instance-id",
      "kafka-3-instance-id",
    ]);
  });

  test("outputs", () => {
    expect(lab.outputs).toMatchObject({
      bootstrapServers:
        "peter-kafka01.foo.bar:9092,peter-kafka02.foo.bar:9092,peter-kafka03.foo.bar:9092",
      zookeeperConnect: "peter-zk01.foo.bar:2181,peter-zk02.foo.bar:2181,peter-zk03.foo.bar:2181",
      privateKey: "PRIVATE key-key\n",
      topic: "peter-overview01",
      smokeTest: {
        message: "smoke-1",
        partition: 0,
        offset: 7,
        leader: 2,
        inSyncReplicas: [2, 3, 1],
      },
    });
    expect(lab.secretOutputs).toEqual(["privateKey"]);
    expect(Object.keys(lab.outputs.hosts as object)).toEqual([
      "peter-zk01",
      "peter-zk02",
      "peter-zk03",
      "peter-kafka01",
      "peter-kafka02",
      "peter-kafka03",
    ]);
  });
});

/** A lab that is there already, and so keeps its id. */
const declareAgain = (settings: Record<string, string> = {}) => declareLab(settings, ZONES, true);

/** The resources of a lab that have other inputs in one with these settings. */
async function changedBy(plain: Graph, settings: Record<string, string>): Promise<string[]> {
  const { byName } = await declareAgain(settings);
  const differs = ({ name, inputs }: Registration) =>
    // Each run has another id ready; the state keeps the first.
    name !== "lab-id" && JSON.stringify(byName(name).inputs) !== JSON.stringify(inputs);
  return plain.resources.filter(differs).map(({ name }) => name);
}

describe("other labs", () => {
  test("a broker more changes nothing of the brokers that are there", async () => {
    const three = await declareAgain();
    const four = await declareAgain({ brokers: "4" });
    for (const { name, inputs } of three.resources) {
      // The last broker's installation is told how many there are to be: it comes before the roll.
      if (!/^kafka-(names|ready|3-install)$|^smoke-test|^lab-id$/.test(name)) {
        expect(four.byName(name).inputs, name).toEqual(inputs);
      }
    }
    const told = ({ byName }: typeof four, broker: number) =>
      /^BROKERS='(.*)'$/m.exec(String(byName(`kafka-${broker}-install`).inputs.stdin))?.[1];
    expect([told(three, 2), told(three, 3), told(four, 3), told(four, 4)]).toEqual([
      "",
      "3",
      "",
      "4",
    ]);
  });

  test.each([
    ["brokers", "2", "peter-kafka03", "the partitions of peter-kafka03 could not be moved off"],
    ["zookeeperNodes", "1", "peter-zk02", "peter-zk02 could not be taken out of the ensemble"],
  ])("fewer %s are refused where they could not hand over", async (setting, got, host, why) => {
    for (const [running, when] of [
      ["false", "in a lab that is paused"],
      ["true", `while ${host} is stopped`],
    ] as const) {
      const settings = { [setting]: got, replicationFactor: "2", running };
      await expect(declareLab(settings, undefined, true, host)).rejects.toThrow(
        `Setting "kafkalab:${setting}": it must not go down ${when}, since ${why}; got ${got}. ` +
          "Run up with kafkalab:running true and as many as before; then lower it.",
      );
    }
  });

  describe("another lab whose stack has the same name", () => {
    const tagOf = ({ byName }: Graph) =>
      (byName("network-vpc").inputs.tags as Record<string, string>).Lab;
    const keyOf = ({ byName }: Graph) => byName("key-pair").inputs.keyName;
    const lookUpsOf = ({ calls }: Graph) =>
      calls.filter((token) => token === "aws:ec2/getInstance:getInstance").length;

    test("has its own id, and so its own tags and key pair", async () => {
      const [one, other] = [await declareLab(), await declareLab()];
      expect(tagOf(one)).toMatch(/^[0-9a-f]{8}$/);
      expect(tagOf(other)).not.toBe(tagOf(one));
      expect(keyOf(other)).not.toBe(keyOf(one));
      // One that is there keeps its name, though the program would now give it another.
      expect(one.byName("key-pair").ignoreChanges).toEqual(["keyName"]);
      expect(one.byName("lab-id").ignoreChanges).toEqual(["input"]);
    });

    test("does not make a first up a later one, nor its stopped hosts an obstacle", async () => {
      const other = await declareLab(
        { running: "false" },
        ZONES,
        false,
        "peter-kafka04",
        "ffff0000",
      );
      // Only to see whose it is.
      expect(lookUpsOf(other)).toBe(1);
      const plain = await declareLab({}, ZONES, false, undefined, "ffff0000");
      expect(plain.byName("kafka-1-install").inputs.connection).toMatchObject({
        host: "address of kafka-1-instance-id",
      });
      expect(lookUpsOf(plain)).toBe(1);
    });

    test("is told from hosts of this stack that were made before labs had ids", async () => {
      const own = await declareLab({}, ZONES, false, undefined, "");
      expect(lookUpsOf(own)).toBe(1 + 6);
    });

    test("is looked for at the first up only", async () => {
      const later = await declareLab({}, ZONES, true);
      expect(tagOf(later)).toBe(KEPT_ID);
      expect(lookUpsOf(later)).toBe(6);
    });
  });

  test("more nodes of ZooKeeper change nothing of what those that are there are started with", async () => {
    const [three, five] = [await declareLab(), await declareLab({ zookeeperNodes: "5" })];
    const config = ({ byName }: Graph) =>
      /\ndataDir=[^']*'/.exec(String(byName("zookeeper-1-configure").inputs.stdin))?.[0] ?? "";
    expect(config(three)).toContain("reconfigEnabled=true");
    expect(config(five)).toBe(config(three));
    expect(three.byName("zookeeper-founders").inputs.input).toBe(
      "peter-zk01=zookeeper-1-volume-id peter-zk02=zookeeper-2-volume-id peter-zk03=zookeeper-3-volume-id",
    );
    const stdin = String(five.byName("zookeeper-5-install").inputs.stdin);
    expect(stdin).toContain("\nVOLUME='zookeeper-5-volume-id'\n");
    expect(stdin).toMatch(/\nFOUNDERS='peter-zk01=zookeeper-1-volume-id /);
  });

  test("another instance type, for which all of them stop, is followed by a look at the whole", async () => {
    const plain = await declareAgain();
    const changed = async (settings: Record<string, string>) =>
      (await changedBy(plain, settings)).filter((name) => !name.endsWith("-instance"));
    expect(await changed({ zookeeperInstanceType: "t3.large" })).toEqual(["zookeeper-ready"]);
    expect(await changed({ brokerInstanceType: "t3.large" })).toEqual([
      "kafka-ready",
      "smoke-test-round-trip",
    ]);
  });

  test("a further key changes the commands of its own service, and nothing else", async () => {
    const plain = await declareAgain();
    const commands = (role: string) =>
      ["install", "configure", "finish"].flatMap((step) =>
        (step === "finish" ? [2, 3] : [1, 2, 3]).map((ordinal) => `${role}-${ordinal}-${step}`),
      );
    const broker = await changedBy(plain, { brokerConfig: '{"num.io.threads":16}' });
    expect(broker.sort()).toEqual(
      [...commands("kafka"), "kafka-ready", "smoke-test-round-trip"].sort(),
    );
    const zookeeper = await changedBy(plain, { zookeeperConfig: '{"snapCount":5000}' });
    expect(zookeeper.sort()).toEqual([...commands("zookeeper"), "zookeeper-ready"].sort());
  });

  test("the number of rules does not grow with the number of brokers", async () => {
    lab = await declareLab({ brokers: "12" });
    expect(rulesOf(lab)).toHaveLength(15);
  });

  test("a new AMI or another script is kept for later; another volume, key or name is not", () => {
    const stashes = lab.ofType("pulumi:index:Stash");
    for (const origin of stashes.filter(({ name }) => name.endsWith("-origin"))) {
      const host = origin.parent;
      expect(origin.inputs.input, host).toMatchObject({
        ami: "ami of /aws/service/debian/release/12/latest/amd64",
      });
      expect(origin.secrets).toEqual(["input"]);
      expect(origin.replacementTrigger).toEqual([
        "x86_64",
        expect.stringMatching(/^peter-\w+\.foo\.bar$/),
        `ssh-ed25519 ${host}-host-key`,
        `${host}-volume-id`,
      ]);
    }
  });

  test("topics come after the cluster and a look at all of them; no deletion is Pulumi's", async () => {
    const topics = JSON.stringify({
      orders: { partitions: 6, config: { "retention.ms": "1", "cleanup.policy": "compact" } },
      gone: { deleted: true },
    });
    const { byName, ofType } = await declareLab({ topics });
    expect(ofType("kafkalab:index:Topic").map(({ name, parent }) => [name, parent])).toEqual([
      ["topics-orders", "topics"],
      ["topics-gone", "topics"],
    ]);
    expect(byName("topics-check").dependencies).toContain("kafka-ready");
    const head = (name: string) => String(byName(name).inputs.stdin).split("\nset -euo")[0];
    expect(head("topics-check")).toContain(
      "TOPICS='orders 6 3'\nOTHERS='peter-overview01 orders gone'",
    );
    expect(head("topics-orders-shape")).toContain(
      "TOPIC='orders'\nPARTITIONS='6'\nREPLICATION_FACTOR='3'\n" +
        "CONFIG='retention.ms=1\ncleanup.policy=compact'\nDELETED='false'",
    );
    expect(head("topics-gone-shape")).toContain("DELETED='true'");
    for (const name of ["topics-orders-shape", "topics-gone-shape"]) {
      const shape = byName(name);
      expect(shape.dependencies).toContain("topics-check");
      expect(shape.deletedWith).toBe("kafka-1-instance");
      expect(Object.keys(shape.inputs)).not.toContain("delete");
      expect(spawnSync("bash", ["-n"], { input: String(shape.inputs.stdin) }).status).toBe(0);
    }
  });

  test("a paused lab leaves topics as they are", async () => {
    const settings = { topics: '{"orders":{"partitions":6}}', running: "false" };
    const { ofType } = await declareLab(settings);
    expect(ofType("kafkalab:index:Topics")).toEqual([]);
  });

  test("a region with one zone is refused before anything is made", async () => {
    await expect(declareLab({}, ["a"])).rejects.toThrow(
      'Region "xx-test-1": it must have 2 availability zones or more; got xx-test-1a. ' +
        "Choose another with kafkalab:region.",
    );
    expect(registered()).toEqual(["local-cloud"]);
  });

  test("zones of another region are refused", async () => {
    const availabilityZones = '["xx-test-1a","ap-northeast-2b"]';
    await expect(declareLab({ availabilityZones })).rejects.toThrow(
      'Setting "kafkalab:availabilityZones": it must hold zones of the region xx-test-1 ' +
        "(xx-test-1a, xx-test-1b, xx-test-1c, xx-test-1d); got ap-northeast-2b. " +
        "Take some of these, or leave it out.",
    );
    expect(registered()).toEqual(["local-cloud"]);
  });

  test("a type that one of the zones lacks is refused, and accepted in others", async () => {
    const settings = { brokerInstanceType: "m7i.large" };
    await expect(declareLab(settings)).rejects.toThrow(
      'Instance type "m7i.large": it must be offered in every zone that is used ' +
        "(xx-test-1a, xx-test-1b, xx-test-1c); got none in xx-test-1b. Take another type, or name " +
        "zones that have it (xx-test-1a, xx-test-1c, xx-test-1d) with kafkalab:availabilityZones " +
        "before the lab is made.",
    );
    const availabilityZones = '["xx-test-1d","xx-test-1a"]';
    const { ofType } = await declareLab({ ...settings, availabilityZones });
    expect(ofType("aws:ec2/subnet:Subnet").map(({ inputs }) => inputs.availabilityZone)).toEqual([
      "xx-test-1d",
      "xx-test-1a",
    ]);
  });
});
