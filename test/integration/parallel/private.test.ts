import { expect, test } from "vitest";
import { Cluster, names, since, type Starts } from "../../support/cluster";
import { hostOf } from "../../support/host";
import { useLab } from "../../support/lab";
import { serverStates } from "../../support/reach";
import { run } from "../../support/run";

/*
 * Hosts behind a bastion; a pause; other instances for the same data. Each test starts from what the
 * one before it left.
 */

const PRIVATE = { topology: "private" };

const lab = useLab("private", async (lab) => {
  lab.configure(PRIVATE);
  await lab.up();
});

const cluster = new Cluster(lab);
const host = async (name: string) => hostOf(await lab.hosts(), name);

const ids = (...types: string[]) =>
  types.flatMap((type) => lab.recordsOf(type).map(({ id }) => id)).sort();

test("only the bastion has a public address, and the smoke test went through it", async () => {
  const { clientBootstrapServers, hosts, smokeTest } = await lab.stackOutputs();
  expect(clientBootstrapServers).toBe("localhost:19092,localhost:19093,localhost:19094");
  expect(Object.keys(hosts)).toHaveLength(7);
  for (const [name, { publicIp, privateIp, via }] of Object.entries(hosts)) {
    if (name === "peter-bastion01") {
      expect([publicIp, via]).toEqual([expect.stringMatching(/^198\.1[89]\./), undefined]);
    } else {
      expect([publicIp, via], name).toEqual(["", "peter-bastion01"]);
      expect(privateIp).toMatch(/^10\.20\.(128|160|192)\.\d+$/);
    }
  }
  expect(smokeTest.inSyncReplicas).toHaveLength(3);
  expect(await (await host("peter-kafka01")).run("hostname -f")).toBe("peter-kafka01.foo.bar\n");
  await lab.expectNoChanges();
});

test("nobody reaches a host but through the bastion, and that one reaches SSH and the tunnel's port", async () => {
  const bastion = await host("peter-bastion01");
  const tries = ["peter-kafka01", "peter-zk01"].map(async (name) => {
    const { privateIp } = await host(name);
    // A connection would leave this machine: no link of the lab leads there.
    const { stdout } = await run(["ip", "route", "get", privateIp]);
    expect(stdout).not.toMatch(/ dev kl-/);
    const ports = [22, 9092, 9094, 9095, 2181].map(async (port) => {
      const { status } = await bastion.try(`nc -z -w 2 ${name} ${port}`);
      return `${port} ${status === 0 ? "open" : "closed"}`;
    });
    return Promise.all(ports);
  });
  const expected = (tunnel: string) => [
    "22 open",
    "9092 closed",
    "9094 closed",
    `9095 ${tunnel}`,
    "2181 closed",
  ];
  expect(await Promise.all(tries)).toEqual([expected("open"), expected("closed")]);
});

test("ssh and status go through the bastion", async () => {
  const ssh = await lab.run("ssh", "peter-zk02", "hostname");
  expect(ssh.stdout, ssh.output).toBe("peter-zk02.foo.bar\n");
  const { status, stdout, output } = await lab.run("status");
  expect(status, output).toBe(0);
  expect(stdout).toMatch(/^peter-kafka03 .* kafka-server +active .* broker 3/m);
  expect(stdout).toMatch(/^peter-bastion01 /m);
});

test("clients on this machine come through the tunnel, which ends with its command", async () => {
  const { clientBootstrapServers, smokeTest, topic } = await lab.stackOutputs();
  const servers = clientBootstrapServers.split(",");
  const [first = ""] = servers;
  const through = (...command: string[]) => lab.run("tunnel", "--", ...command);
  const { status, stdout, output } = await through("kcat", "-L", "-J", "-b", first);
  expect(status, output).toBe(0);
  const { brokers } = JSON.parse(stdout) as { brokers: { id: number; name: string }[] };
  expect(new Map(brokers.map(({ id, name }) => [id, name]))).toEqual(
    new Map(servers.map((server, index) => [index + 1, server])),
  );
  const read = await through("kcat", "-C", "-q", "-e", "-b", first, "-t", topic);
  expect(read.stdout.split("\n")).toContain(smokeTest.message);
  expect(await serverStates(clientBootstrapServers)).toEqual(["closed", "closed", "closed"]);
});

let message: string;
let kept: string[];
let starts: Starts;

const allStarts = async () => ({
  ...(await cluster.brokerStarts()),
  ...(await cluster.nodeStarts()),
});

test("a pause stops every host, and keeps volumes, names and ids", async () => {
  message = await cluster.produce();
  starts = await allStarts();
  kept = ids("Instance", "Volume", "Record");
  lab.configure({ ...PRIVATE, running: false });
  await lab.up();
  expect(ids("Instance", "Volume", "Record")).toEqual(kept);
  expect(lab.recordsOf("NatGateway")).toEqual([]);
  expect(lab.recordsOf("Eip")).toEqual([]);
  for (const id of ids("Instance")) {
    const { stdout } = await run(["ip", "netns", "pids", `kafkalab-${id}`]);
    expect(stdout, id).toBe("");
  }
  const { hosts } = await lab.stackOutputs();
  expect(Object.values(hosts).map(({ publicIp }) => publicIp)).toEqual(Array(7).fill(""));
  await lab.expectNoChanges();
});

test("after it the cluster is whole again, and nothing was started twice", async () => {
  lab.configure(PRIVATE);
  const printed = await lab.up();
  expect(ids("Instance", "Volume", "Record")).toEqual(kept);
  const nodes = [...names("kafka"), ...names("zk")].sort();
  expect(since(starts, await allStarts()).sort()).toEqual(nodes);
  expect(printed).not.toMatch(/-server (re)?started$/m);
  expect(await cluster.messages()).toContain(message);
  expect((await lab.stackOutputs()).smokeTest.inSyncReplicas).toHaveLength(3);
  await lab.expectNoChanges();
});

test("another instance type keeps hosts and data", async () => {
  const before = await cluster.segments();
  lab.configure({ ...PRIVATE, brokerInstanceType: "t3.large" });
  await lab.up();
  expect(ids("Instance", "Volume", "Record")).toEqual(kept);
  expect(await cluster.segments()).toEqual(before);
  expect(await cluster.messages()).toContain(message);
  await lab.expectNoChanges();
});

test("a new instance of a broker goes on with the log that is there", async () => {
  const before = await cluster.segments();
  const instances = ids("Instance");
  await lab.up("--replace", "**kafka-2-instance");
  expect(ids("Instance").filter((id) => instances.includes(id))).toHaveLength(6);
  expect(ids("Volume").every((id) => kept.includes(id))).toBe(true);
  // A log that is replicated from its beginning is another file.
  expect(await cluster.segments()).toEqual(before);
  expect(await cluster.messages()).toContain(message);
  const last = await cluster.produce();
  expect(await cluster.messages()).toContain(last);
  await lab.expectNoChanges();
});
