import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { useLab } from "../support/lab";
import { difference, labProcesses, snapshot } from "../support/machine";
import { lastLine, run } from "../support/run";

/*
 * The life of a lab: from nothing, through changes, back to nothing. Each test starts from what the
 * one before it left.
 */

let before: Set<string>;
const lab = useLab("lifecycle", async () => {
  before = await snapshot();
});

test("up brings the lab up from nothing, and tells where it is", async () => {
  const printed = await lab.up();
  expect(printed).toMatch(/^ {4}\+ \d+ created$/m);
  expect(printed).toMatch(/^ {4}privateKey *: \[secret\]$/m);

  const outputs = await lab.stackOutputs();
  const brokers = [1, 2, 3].map((ordinal) => `peter-kafka0${ordinal}.foo.bar:9092`);
  const zookeepers = [1, 2, 3].map((ordinal) => `peter-zk0${ordinal}.foo.bar:2181`);
  expect(Object.keys(outputs).sort()).toEqual([
    "bootstrapServers",
    "clientBootstrapServers",
    "clientSecurity",
    "hosts",
    "privateKey",
    "security",
    "smokeTest",
    "topic",
    "zookeeperConnect",
  ]);
  expect(outputs.bootstrapServers).toBe(brokers.join());
  const addresses = [1, 2, 3].map((ordinal) => outputs.hosts[`peter-kafka0${ordinal}`]?.publicIp);
  expect(outputs.clientBootstrapServers).toBe(addresses.map((address) => `${address}:9094`).join());
  expect(outputs.zookeeperConnect).toBe(zookeepers.join());
  expect(outputs.topic).toBe("peter-overview01");
  expect(outputs.privateKey).toMatch(/^-----BEGIN OPENSSH PRIVATE KEY-----\n/);
  expect(outputs.smokeTest.message).toMatch(/^smoke-\d+-\d+$/);
  expect(outputs.smokeTest).toMatchObject({ partition: 0, offset: 0 });
  expect([...outputs.smokeTest.inSyncReplicas].sort()).toEqual([1, 2, 3]);
  expect(outputs.smokeTest.inSyncReplicas).toContain(outputs.smokeTest.leader);
  expect(Object.keys(outputs.hosts).sort()).toEqual(
    [...brokers, ...zookeepers].map((name) => name.split(".")[0]).sort(),
  );
  for (const host of Object.values(outputs.hosts)) {
    expect(host.user).toBe("ec2-user");
    expect(host.privateIp).toMatch(/^10\.20\.\d+\.\d+$/);
    expect(host.publicIp).toMatch(/^198\.1[89]\.\d+\.\d+$/);
    expect(host.hostKey).toMatch(/^ssh-ed25519 \S+$/);
    expect(host.ssh).toBe(`ssh -i KEYFILE ec2-user@${host.publicIp}`);
  }
});

test("up again changes nothing, and preview sees nothing to change", async () => {
  const printed = await lab.up();
  expect(printed).toMatch(/^Resources:\n {4}\d+ unchanged$/m);
  await lab.expectNoChanges();
});

test("status shows every host at work", async () => {
  const { status, stdout } = await lab.run("status");
  expect(status).toBe(0);
  expect(
    stdout.match(/^peter-zk0\d .* zookeeper-server +active .*(leader|follower)/gm),
  ).toHaveLength(3);
  expect(stdout.match(/^peter-kafka0\d .* kafka-server +active .* broker \d/gm)).toHaveLength(3);
  expect(stdout).toMatch(/^peter-overview01 +0 +\d +\S+ +\d,\d,\d *$/m);
});

test("logs shows what every service has said since, in the order of time", async () => {
  const { status, stdout, output } = await lab.run("logs", "--since", "1 hour ago");
  expect(status, output).toBe(0);
  const lines = stdout.split("\n").filter((line) => /^20\d\d-/.test(line));
  const times = lines.map((line) => line.slice(0, 23));
  expect(times).toEqual([...times].sort());
  for (const name of ["peter-kafka01", "peter-kafka02", "peter-kafka03"]) {
    expect(stdout).toMatch(new RegExp(`^\\S+ \\S+ ${name} +kafka-server: .*\\] started `, "m"));
  }
  const grep = ["--grep", "] started ", "--json", "--since", "1 hour ago", "peter-kafka02"];
  const one = await lab.run("logs", ...grep);
  expect(JSON.parse(lastLine(one.stdout))).toMatchObject({
    ...{ host: "peter-kafka02", source: "kafka-server", priority: 6 },
  });
});

test("ssh, key and ssh-config lead to a host, and to no other one in its place", async () => {
  const ssh = await lab.run("ssh", "peter-kafka01", "id -un; hostname -f");
  expect(ssh.stdout, ssh.output).toBe("ec2-user\npeter-kafka01.foo.bar\n");

  const { hosts, privateKey } = await lab.stackOutputs();
  const key = (await lab.run("key")).stdout.trim();
  expect(readFileSync(key, "utf8")).toBe(privateKey);
  expect(statSync(key).mode & 0o777).toBe(0o600);
  expect(statSync(dirname(key)).mode & 0o777).toBe(0o700);

  const { stdout: config } = await lab.run("ssh-config");
  const hostname = (text: string) => {
    const file = join(dirname(key), "of-the-test");
    writeFileSync(file, text);
    return run(["ssh", "-F", file, "peter-zk02.foo.bar", "hostname -s"]);
  };
  expect((await hostname(config)).stdout).toBe("peter-zk02\n");
  const [own, other] = [hosts["peter-zk02"]?.publicIp ?? "", hosts["peter-zk03"]?.publicIp ?? ""];
  const { status, stderr } = await hostname(
    config.replace(`HostName ${own}\n`, `HostName ${other}\n`),
  );
  expect(stderr).toContain("Host key verification failed.");
  expect(status).toBe(255);
});

test("a changed heap is a rolling restart: only the brokers' commands run again", async () => {
  const before = lab.recordsOf("Instance").map(({ id }) => id);
  lab.configure({ brokerHeapMiB: 400 });
  const printed = await lab.up();
  const changed = [...printed.matchAll(/^ (?:~|\+-|\+\+) +\S+ (\S+) (?:updated|replaced)/gm)];
  expect(changed.map(([, name]) => name).sort()).toEqual([
    ...["kafka-1-install", "kafka-2-install", "kafka-3-install"],
    ...["kafka-ready", "kafka-ready-attempt"],
    ...["smoke-test-round-trip", "smoke-test-round-trip-attempt"],
  ]);
  expect(lab.recordsOf("Instance").map(({ id }) => id)).toEqual(before);
  const { smokeTest } = await lab.stackOutputs();
  expect(smokeTest.offset).toBeGreaterThan(0);
});

test("destroy leaves nothing on the machine", async () => {
  await lab.destroy();
  const { owner } = lab;
  expect(owner.ids.filter((id) => id.startsWith("i-"))).toHaveLength(6);
  expect(difference(before, await snapshot(), owner)).toEqual([]);
  expect(labProcesses(owner)).toEqual([]);
  expect(existsSync(lab.stateDir)).toBe(false);
});
