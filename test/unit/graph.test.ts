import { spawnSync } from "node:child_process";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { FIRST_BOOT_SECONDS, VOLUME_SECONDS } from "../../components/lib/waits";
import { readUserData } from "../../local-cloud/machine/cloud-init";
import { noteOf, type ServiceFiles } from "../../operator/service/files";
import type { Wish } from "../../operator/wish";
import { itemAt } from "../../shared/item-at";
import { KEPT_ID } from "../../cli/dry-run/cloud";
import { SETTINGS } from "../../components/settings";
import type { FileKey, Setting } from "../../components/settings/define";
import { changedBy, declareLab, type Graph, registered, wishOf, wishOfKind } from "./support/graph";
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
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": 8,
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": 8,
  "aws:route53/zone:Zone": 2,
  "aws:route53/record:Record": 12,
  "aws:ebs/volume:Volume": 6,
  "pulumi:index:Stash": 11,
  "aws:ec2/instance:Instance": 6,
  "aws:ec2/eip:Eip": 3,
  "aws:ec2/eipAssociation:EipAssociation": 3,
  "aws:ec2transitgateway/instanceState:InstanceState": 6,
  "aws:ec2/volumeAttachment:VolumeAttachment": 6,
  "command:remote:Command": 6,
  "command:local:Command": 6,
};

let lab: Graph;
const inputs = (name: string) => lab.byName(name).inputs;
const dependencies = (name: string) => lab.byName(name).dependencies;

/** The files that a broker should have. */
const lastOf = <T>(stages: T[]) => itemAt(stages, stages.length - 1);

/** The files that the operator compares with, for each node. */
function filesOf(found: Wish): (ServiceFiles & { id: number })[] {
  switch (found.kind) {
    case "zookeeper": {
      const { service, nodes, levels, level } = found;
      const { release, logging } = service;
      return nodes.map(({ id }) => ({ id, release, logging, ...itemAt(levels, level) }));
    }
    case "kafka": {
      const { release, logging } = found.service;
      return found.brokers.map(({ id, stages }) => ({ id, release, logging, ...lastOf(stages) }));
    }
    case "topics":
    case "smoke-test":
      throw new Error(`a wish of the kind ${found.kind} must have no files`);
  }
}

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
        "kafka <- 198.18.0.0/15 tcp 9094 9094",
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
      const expected = /^(\w+-\d)-install$/.exec(command.name)?.[1] ?? "none";
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
          "firewall-rules",
        ]),
      );
      expect(found).not.toContain(`${name}-attachment`);
      expect(found.filter((other) => /install|configure|ready/.test(other))).toEqual([]);
    }
  });

  test("a new broker's settings are checked if the user has set any", async () => {
    const stdinOf = (graph: Graph) => String(graph.byName("kafka-1-install").inputs.stdin);
    expect(stdinOf(lab)).toContain("CHECK='false'\n");
    expect(stdinOf(lab)).not.toContain("check_config()");
    const own = stdinOf(await declareLab({ brokerConfig: '{"queued.max.requests": 501}' }));
    expect(own).toContain("CHECK='true'\n");
    expect(own).toContain("check_config()");
  });

  test("one resource stands for all rules of the firewall", () => {
    const rules = lab.resources
      .filter(({ type }) => /SecurityGroup(In|E)gressRule$/.test(type))
      .map(({ name }) => name);
    expect(rules.length).toBeGreaterThan(10);
    expect(dependencies("firewall-rules").sort()).toEqual(rules.sort());
    expect(dependencies("kafka-1-install").filter((name) => rules.includes(name))).toEqual([]);
  });

  test("a broker is started once the names of all brokers are right, by one dependency", () => {
    const records = [1, 2, 3].flatMap((id) => [`kafka-${id}-record`, `kafka-${id}-pointer`]);
    expect(dependencies("kafka-names").sort()).toEqual(records.sort());
    expect(dependencies("kafka-1-install")).not.toContain("kafka-2-record");
    // Until the old pointer is gone, an address that hosts exchange has two.
    expect(lab.byName("kafka-1-pointer").deleteBeforeReplace).toBe(true);
    expect(lab.byName("kafka-1-record").deleteBeforeReplace).toBe(false);
  });

  test("the operator runs once all nodes are installed and their volumes attached", () => {
    for (const cluster of ["zookeeper", "kafka"]) {
      const found = dependencies(`${cluster}-ready-attempt`);
      for (const id of [1, 2, 3]) {
        expect(found).toEqual(
          expect.arrayContaining([`${cluster}-${id}-install`, `${cluster}-${id}-attachment`]),
        );
      }
      expect(dependencies(`${cluster}-ready`)).toContain(`${cluster}-ready-attempt`);
    }
    // Brokers ask for ZooKeeper until it answers, so the clusters start side by side.
    expect(dependencies("kafka-ready-attempt")).not.toContain("zookeeper-ready");
    expect(dependencies("zookeeper-ready-attempt")).not.toContain("kafka-ready");
  });

  test("the operator's commands: a secret wish on stdin, a bound, and an attempt noted before", () => {
    const names = ["zookeeper-ready", "kafka-ready", "smoke-test-round-trip"];
    const commands = lab.ofType("command:local:Command").map(({ name }) => name);
    expect(commands.sort()).toEqual(names.flatMap((name) => [name, `${name}-attempt`]).sort());
    for (const name of names) {
      const [command, attempt] = [lab.byName(name), lab.byName(`${name}-attempt`)];
      expect(command.inputs, name).toEqual({
        interpreter: ["node"],
        create: ".lab/operator.cjs",
        stdin: expect.any(String) as string,
        environment: { OPERATOR_ATTEMPT: expect.stringMatching(/^time of /) as string },
        addPreviousOutputInEnv: false,
      });
      expect(command.secrets, name).toContain("stdin");
      expect(command.timeouts.create, name).toMatch(/^\d+m$/);
      expect(command.timeouts.update, name).toBe(command.timeouts.create);
      expect(command.parent, name).toBe(attempt.parent);
      // The fingerprint tells nothing of the wish but that it is another.
      expect(attempt.inputs, name).toEqual({
        create: "date +%s%N",
        environment: { WISH: expect.stringMatching(/^[0-9a-f]{16}$/) as string },
        triggers: expect.any(Array) as unknown[],
        addPreviousOutputInEnv: false,
        logging: "none",
      });
      // A cluster on a new instance must be looked at, though the address may be the old one.
      const hosts = name === "zookeeper-ready" ? "zookeeper" : "kafka";
      const instances = [1, 2, 3].map((id) => `${hosts}-${id}-instance-id`);
      expect(attempt.inputs.triggers, name).toEqual(expect.arrayContaining(instances));
    }
  });

  test("what the operator is asked for, and how it reaches each host", () => {
    const target = (role: string, short: string, id: number) => ({
      name: `peter-${short}0${id}`,
      connection: {
        host: `address of ${role}-${id}-${role === "kafka" ? "address" : "instance"}-id`,
        port: 22,
        user: "ec2-user",
        privateKey: "PRIVATE key-key\n",
        hostKey: `ssh-ed25519 ${role}-${id}-host-key`,
      },
    });
    const ensemble = wishOfKind(lab.byName("zookeeper-ready"), "zookeeper");
    expect(ensemble.nodes).toEqual(
      [1, 2, 3].map((id) => ({
        id,
        host: target("zookeeper", "zk", id),
      })),
    );
    expect([ensemble.level, ensemble.levels]).toEqual([
      0,
      [
        {
          config: expect.stringContaining("\ndataDir=/data/zk\n") as string,
          unit: expect.not.stringContaining("login.config") as string,
        },
      ],
    ]);
    expect(ensemble.service).toMatchObject({
      name: "zookeeper-server",
      user: "zookeeper",
      link: "/usr/local/zookeeper",
      release: "apache-zookeeper-3.8.4-bin",
      data: "/data/zk",
      volumeGiB: 10,
    });
    const cluster = wishOfKind(lab.byName("kafka-ready"), "kafka");
    expect(cluster.brokers).toEqual(
      [1, 2, 3].map((id) => ({
        id,
        host: target("kafka", "kafka", id),
        server: `peter-kafka0${id}.foo.bar:9092`,
        rack: `id-of-xx-test-1${"abc"[id - 1]}`,
        stages: [
          {
            config: expect.stringContaining(`\nbroker.id=${id}\n`) as string,
            unit: expect.stringContaining("User=kafka") as string,
            secrets: {},
          },
        ],
      })),
    );
    expect(cluster).toMatchObject({
      service: {
        name: "kafka-server",
        user: "kafka",
        link: "/usr/local/kafka",
        release: "kafka_2.13-3.9.1",
        data: "/data/kafka-logs",
        volumeGiB: 20,
      },
      zookeeper: [1, 2, 3].map((id) => `peter-zk0${id}.foo.bar:2181`),
      hasUserKeys: false,
      replicationFactor: 3,
      smokeTopic: "peter-overview01",
    });
    expect(cluster.liveKeys).toContain("num.io.threads");
  });

  test("a founder's installation has what the operator compares with: the same files", () => {
    for (const role of ["zookeeper", "kafka"] as const) {
      for (const { id, release, config, logging, unit } of filesOf(
        wishOf(lab.byName(`${role}-ready`)),
      )) {
        const stdin = String(inputs(`${role}-${id}-install`).stdin);
        const variables = ["DIRECTORY", "CONFIG", "LOGGING", "UNIT", "NOTE"];
        expect(readVariables(stdin, variables)).toBe(
          [release, config, logging, unit, noteOf({ release, config, logging, unit }), ""].join(
            "|",
          ),
        );
      }
    }
  });

  test("the smoke test comes after both clusters", () => {
    expect(dependencies("smoke-test-round-trip-attempt")).toEqual(
      expect.arrayContaining(["kafka-ready", "zookeeper-ready"]),
    );
    expect(dependencies("smoke-test-round-trip")).toContain("smoke-test-round-trip-attempt");
    expect(wishOfKind(lab.byName("smoke-test-round-trip"), "smoke-test")).toMatchObject({
      topic: "peter-overview01",
      replicationFactor: 3,
      brokers: [1, 2, 3].map((id) => ({
        id,
        server: `peter-kafka0${id}.foo.bar:9092`,
        host: { name: `peter-kafka0${id}` },
      })),
    });
    expect(inputs("smoke-test-round-trip-attempt").triggers).toEqual([
      expect.stringMatching(/^[0-9a-f]{16}$/),
      // When each host was last started tells of a stop that Pulumi did not see.
      ...[1, 2, 3].flatMap((id) => [`kafka-${id}-instance-id`, "2026-01-01T00:00:00Z"]),
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
const declareAgain = (settings: Record<string, string> = {}) =>
  declareLab(settings, { isUp: true });

/** What runs again when brokers have changed. */
const AFTER_KAFKA = [
  "kafka-ready",
  "kafka-ready-attempt",
  "smoke-test-round-trip",
  "smoke-test-round-trip-attempt",
];

describe("other labs", () => {
  test("a broker more changes nothing of the brokers that are there", async () => {
    const three = await declareAgain();
    const four = await declareAgain({ brokers: "4" });
    for (const { name, inputs } of three.resources) {
      if (!/^kafka-(names|founders|ready|ready-attempt)$|^smoke-test|^lab-id$/.test(name)) {
        expect(four.byName(name).inputs, name).toEqual(inputs);
      }
    }
    const brokers = ({ byName }: Graph) => wishOfKind(byName("kafka-ready"), "kafka").brokers;
    expect(brokers(four).map(({ id }) => id)).toEqual([1, 2, 3, 4]);
    expect(brokers(four).slice(0, 3)).toEqual(brokers(three));
    // The new broker founds no cluster: the operator starts it.
    const stdin = String(four.byName("kafka-4-install").inputs.stdin);
    expect(readVariables(stdin, ["VOLUME", "FOUNDERS"])).toBe(
      "kafka-4-volume-id|peter-kafka01=kafka-1-volume-id peter-kafka02=kafka-2-volume-id " +
        "peter-kafka03=kafka-3-volume-id|",
    );
  });

  test.each([
    ["brokers", "2", "peter-kafka03", "move partitions off peter-kafka03"],
    ["zookeeperNodes", "1", "peter-zk02", "remove peter-zk02 from the ensemble"],
  ])("fewer %s are refused where they could not hand over", async (setting, got, host, why) => {
    for (const [running, when] of [
      ["false", "while the lab is paused"],
      ["true", `while ${host} is stopped`],
    ] as const) {
      const settings = { [setting]: got, replicationFactor: "2", running };
      await expect(declareLab(settings, { isUp: true, host })).rejects.toThrow(
        `Setting "kafkalab:${setting}": it must not decrease ${when}, since the operator could not ${why}; got ${got}. ` +
          "Run up with kafkalab:running true and the former number; then lower it.",
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
        { host: "peter-kafka04", namesake: "ffff0000" },
      );
      // Only to see whose it is.
      expect(lookUpsOf(other)).toBe(1);
      const plain = await declareLab({}, { namesake: "ffff0000" });
      expect(plain.byName("zookeeper-1-install").inputs.connection).toMatchObject({
        host: "address of zookeeper-1-instance-id",
      });
      expect(lookUpsOf(plain)).toBe(1 + 6);
    });

    test("is told from hosts of this stack that were made before labs had ids", async () => {
      const own = await declareLab({}, { namesake: "" });
      expect(lookUpsOf(own)).toBe(1 + 6);
    });

    test("is looked for at the first up only", async () => {
      const later = await declareLab({}, { isUp: true });
      expect(tagOf(later)).toBe(KEPT_ID);
      expect(lookUpsOf(later)).toBe(6);
    });
  });

  test("more nodes of ZooKeeper change nothing of what those that are there are started with", async () => {
    const [three, five] = [await declareAgain(), await declareAgain({ zookeeperNodes: "5" })];
    const nodes = ({ byName }: Graph) => wishOfKind(byName("zookeeper-ready"), "zookeeper").nodes;
    const levels = ({ byName }: Graph) => wishOfKind(byName("zookeeper-ready"), "zookeeper").levels;
    expect(levels(three)[0]?.config).toContain("reconfigEnabled=true");
    expect(levels(five)).toEqual(levels(three));
    expect(nodes(five).slice(0, 3)).toEqual(nodes(three));
    for (const id of [1, 2, 3]) {
      const name = `zookeeper-${id}-install`;
      expect(five.byName(name).inputs, name).toEqual(three.byName(name).inputs);
    }
    expect(three.byName("zookeeper-founders").inputs.input).toBe(
      "peter-zk01=zookeeper-1-volume-id peter-zk02=zookeeper-2-volume-id peter-zk03=zookeeper-3-volume-id",
    );
    const stdin = String(five.byName("zookeeper-5-install").inputs.stdin);
    expect(readVariables(stdin, ["VOLUME", "FOUNDERS"])).toBe(
      "zookeeper-5-volume-id|peter-zk01=zookeeper-1-volume-id peter-zk02=zookeeper-2-volume-id " +
        "peter-zk03=zookeeper-3-volume-id|",
    );
  });

  describe("client hosts", () => {
    test("none, by default, cost nothing: no host, no group, no rule", async () => {
      const { resources, outputs } = await declareLab({ clients: "0" });
      const names = resources.map(({ name }) => name);
      expect(names.filter((name) => /^client|^firewall-(client|kafka-tools)/.test(name))).toEqual(
        [],
      );
      expect(JSON.stringify(outputs)).not.toContain("peter-client");
    });

    test.each([
      ["0", "1"],
      ["1", "2"],
      ["2", "0"],
    ])("from %s to %s nothing of any other host changes", async (before, after) => {
      const plain = await declareAgain({ clients: before });
      const other = await declareAgain({ clients: after });
      const names = new Set(other.resources.map(({ name }) => name));
      for (const { name, inputs } of plain.resources) {
        if (!names.has(name)) {
          // What is declared no longer is the clients' own, or the rules of their group.
          expect(name).toMatch(/^client(-\d.*)?$|^firewall-(client|kafka-tools-in)/);
        } else if (!/^lab-id$|^firewall-rules$/.test(name)) {
          expect(other.byName(name).inputs, name).toEqual(inputs);
        }
      }
      // Nothing of the clusters waits for a client host.
      const waiting = other.resources.filter(
        ({ name, dependencies }) =>
          !/^(client|firewall|network|dns)/.test(name) &&
          dependencies.some((dependency) => dependency.startsWith("client-")),
      );
      expect(waiting).toEqual([]);
    });

    test.each([
      ["public", "network-public-subnet-2-id", "10.20.63.254", undefined],
      ["private", "network-private-subnet-2-id", "10.20.191.254", "peter-bastion01"],
    ])(
      "%s: where they are, and how they are reached",
      async (topology, subnetId, privateIp, via) => {
        const { byName, outputs } = await declareLab({ clients: "2", topology });
        expect(byName("client-2-instance").inputs).toMatchObject({
          ...{ subnetId, privateIp, instanceType: "t3.small" },
          vpcSecurityGroupIds: ["firewall-hosts-id", "firewall-client-id"],
          tags: { Name: "peter-client02", StopOrder: "0" },
        });
        expect(byName("client-2-record").inputs).toMatchObject({
          ...{ name: "peter-client02.foo.bar", records: [privateIp] },
        });
        const hosts = outputs.hosts as Record<string, { via?: string }>;
        expect(Object.keys(hosts).filter((name) => name.startsWith("peter-client"))).toEqual([
          ...["peter-client01", "peter-client02"],
        ]);
        expect(hosts["peter-client02"]?.via).toBe(via);
      },
    );

    test("get the lab's Kafka release, and another one by their own script", async () => {
      const plain = await declareAgain({ clients: "1" });
      const stdinOf = ({ byName }: Graph) => String(byName("client-1-install").inputs.stdin);
      const stdin = stdinOf(plain);
      expect(spawnSync("bash", ["-n"], { input: stdin }).status).toBe(0);
      expect(readVariables(stdin, ["HOST", "DIRECTORY", "LINK", "FIRST_BOOT_SECONDS"])).toBe(
        `peter-client01|kafka_2.13-3.9.1|/usr/local/kafka|${FIRST_BOOT_SECONDS}|`,
      );
      expect(readVariables(stdin, ["PACKAGES"])).toMatch(
        /\bkcat=kcat xxd=xxd .*=python3-venv .*=python3-confluent-kafka javac=openjdk-17-jdk-headless\|/,
      );
      const archiveUrl = "https://mirror.corp.kr";
      const older = await declareAgain({ clients: "1", kafkaVersion: "3.9.0", archiveUrl });
      expect(readVariables(stdinOf(older), ["DIRECTORY", "ARCHIVES"])).toMatch(
        /^kafka_2\.13-3\.9\.0\|https:\/\/mirror\.corp\.kr\/kafka\/3\.9\.0\/kafka_2\.13-3\.9\.0\S*\.tgz [0-9a-f]{128}\b/,
      );
      // The operator is asked for nothing.
      const asked = plain.ofType("command:local:Command").map(({ inputs }) => inputs);
      expect(JSON.stringify(asked)).not.toContain("peter-client");
    });

    test("another instance type touches them alone", async () => {
      const plain = await declareAgain({ clients: "1" });
      expect(await changedBy(plain, { clients: "1", clientInstanceType: "t3.large" })).toEqual([
        "client-1-instance",
      ]);
    });

    test("a type that one of the zones lacks is refused only if there are clients", async () => {
      const settings = { clientInstanceType: "m7i.large" };
      await expect(declareLab({ ...settings, clients: "1" })).rejects.toThrow(
        'Instance type "m7i.large": it must be offered in every zone that the lab uses',
      );
      expect(registered()).toEqual(["local-cloud"]);
      await declareLab(settings);
    });
  });

  test("all nodes are founders again where all volumes are new: in other zones", () => {
    const zones = ["xx-test-1a", "xx-test-1b", "xx-test-1c"];
    for (const name of ["zookeeper-founders", "kafka-founders"]) {
      expect(lab.byName(name).replacementTrigger).toEqual(zones);
    }
  });

  test("another instance type, for which all of them stop, is followed by a look at the whole", async () => {
    const plain = await declareAgain();
    const changed = async (settings: Record<string, string>) =>
      (await changedBy(plain, settings)).filter((name) => !name.endsWith("-instance"));
    expect(await changed({ zookeeperInstanceType: "t3.large" })).toEqual([
      "zookeeper-ready-attempt",
      "zookeeper-ready",
    ]);
    expect((await changed({ brokerInstanceType: "t3.large" })).sort()).toEqual(AFTER_KAFKA);
  });

  test("a key of a file changes the commands of its own service, and nothing else", async () => {
    const plain = await declareAgain();
    const installs = (role: string) => [1, 2, 3].map((ordinal) => `${role}-${ordinal}-install`);
    const broker = await changedBy(plain, { brokerConfig: '{"num.io.threads":16}' });
    expect(broker.sort()).toEqual([...installs("kafka"), ...AFTER_KAFKA]);
    expect((await changedBy(plain, { logRetentionHours: "48" })).sort()).toEqual(broker);
    const zookeeper = await changedBy(plain, { zookeeperConfig: '{"snapCount":5000}' });
    expect(zookeeper.sort()).toEqual([
      ...installs("zookeeper"),
      "zookeeper-ready",
      "zookeeper-ready-attempt",
    ]);
    const { byName } = await declareAgain({ brokerConfig: '{"num.io.threads":16}' });
    const { hasUserKeys, brokers } = wishOfKind(byName("kafka-ready"), "kafka");
    expect(hasUserKeys).toBe(true);
    for (const { stages } of brokers) {
      expect(lastOf(stages).config).toContain("\nnum.io.threads=16\n");
    }
  });

  test("a setting that stands for a key reaches every file, and no check of the user's keys", async () => {
    const given = (SETTINGS as readonly Setting<unknown>[]).filter(
      ({ brokerKey, zookeeperKey }) => brokerKey !== undefined || zookeeperKey !== undefined,
    );
    const examples = given.map(({ name, example }) => [name, String(example)]);
    const lines = (file: keyof FileKey): Record<string, string> =>
      Object.fromEntries(
        given.flatMap(({ [file]: key, example }) =>
          key === undefined ? [] : [[key, String(example)]],
        ),
      );
    const { byName } = await declareLab(Object.fromEntries(examples) as Record<string, string>);
    const { hasUserKeys, brokers } = wishOfKind(byName("kafka-ready"), "kafka");
    const { levels } = wishOfKind(byName("zookeeper-ready"), "zookeeper");
    expect(lines("brokerKey")).toMatchObject({ "log.retention.hours": "168" });
    for (const [file, configs, count] of [
      ["brokerKey", brokers.map(({ stages }) => lastOf(stages)), 3],
      ["zookeeperKey", levels, 1],
    ] as const) {
      expect(configs).toHaveLength(count);
      for (const { config } of configs) {
        const written = config.split("\n");
        for (const [key, value] of Object.entries(lines(file))) {
          expect(written.filter((line) => line.startsWith(`${key}=`))).toEqual([`${key}=${value}`]);
        }
      }
    }
    expect(hasUserKeys).toBe(false);
  });

  test("the number of rules does not grow with the number of brokers", async () => {
    lab = await declareLab({ brokers: "12", clientAllowedCidrs: '["none"]' });
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
    expect(ofType("kafkalab:index:Topics").map(({ name }) => name)).toEqual(["topics"]);
    const shape = byName("topics-shape");
    expect(shape.parent).toBe("topics");
    expect(byName("topics-shape-attempt").dependencies).toContain("kafka-ready");
    expect(shape.dependencies).toContain("topics-shape-attempt");
    expect(Object.keys(shape.inputs)).not.toContain("delete");
    expect(shape.secrets).toContain("stdin");
    expect(wishOfKind(shape, "topics")).toMatchObject({
      smokeTopic: "peter-overview01",
      minInSyncReplicas: 2,
      topics: [
        {
          name: "orders",
          partitions: 6,
          replicationFactor: 3,
          config: { "retention.ms": "1", "cleanup.policy": "compact" },
          deleted: false,
        },
        { name: "gone", deleted: true },
      ],
    });
  });

  test("a paused lab leaves topics as they are", async () => {
    const settings = { topics: '{"orders":{"partitions":6}}', running: "false" };
    const { ofType } = await declareLab(settings);
    expect(ofType("kafkalab:index:Topics")).toEqual([]);
  });

  test("a region with one zone is refused before anything is made", async () => {
    await expect(declareLab({}, { zones: ["a"] })).rejects.toThrow(
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
      'Instance type "m7i.large": it must be offered in every zone that the lab uses ' +
        "(xx-test-1a, xx-test-1b, xx-test-1c); got none in xx-test-1b. Take another type, or name " +
        "zones that have it (xx-test-1a, xx-test-1c, xx-test-1d) with kafkalab:availabilityZones " +
        "before you create the lab.",
    );
    const availabilityZones = '["xx-test-1d","xx-test-1a"]';
    const { ofType } = await declareLab({ ...settings, availabilityZones });
    expect(ofType("aws:ec2/subnet:Subnet").map(({ inputs }) => inputs.availabilityZone)).toEqual([
      "xx-test-1d",
      "xx-test-1a",
    ]);
  });
});
