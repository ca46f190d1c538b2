import { beforeAll, expect, test } from "vitest";
import { hostOf } from "../../support/host";
import { type Settings, useLab } from "../../support/lab";
import { must, run } from "../../support/run";

/*
 * Two stacks at once, and a network that is taken.
 */

const SMALL: Settings = { zookeeperNodes: 1, brokers: 1, replicationFactor: 1 };
const first = useLab("first");
const second = useLab("second", undefined, first);
const third = useLab("taken");

beforeAll(async () => {
  first.configure({ ...SMALL, vpcCidr: "10.30.0.0/16" });
  second.configure({ ...SMALL, vpcCidr: "10.31.0.0/16", domain: "second.lab" });
  await Promise.all([first.up(), second.up()]);
});

test("both work, and neither reaches the other's hosts", async () => {
  const labs = [first, second] as const;
  const [one, two] = await Promise.all(
    labs.map(async (lab) => hostOf(await lab.hosts(), "peter-kafka01")),
  );
  expect(await one?.run("hostname -f")).toBe("peter-kafka01.foo.bar\n");
  expect(await two?.run("hostname -f")).toBe("peter-kafka01.second.lab\n");
  expect(one?.privateIp).toMatch(/^10\.30\./);
  expect(two?.privateIp).toMatch(/^10\.31\./);
  expect(one?.publicIp).not.toBe(two?.publicIp);

  const attempts = [
    [one, one?.privateIp, 9092, "open"],
    [one, two?.privateIp, 9092, "closed"],
    [one, two?.privateIp, 22, "closed"],
    [one, two?.publicIp, 22, "closed"],
    [two, two?.privateIp, 9092, "open"],
    [two, one?.privateIp, 9092, "closed"],
    [two, one?.publicIp, 22, "closed"],
  ] as const;
  const found = attempts.map(async ([from, address, port]) => {
    const ended = await from?.try(`nc -z -w 3 ${address} ${port}`);
    return [from, address, port, ended?.status === 0 ? "open" : "closed"];
  });
  expect(await Promise.all(found)).toEqual(attempts);
  const names = await one?.try("getent hosts peter-kafka01.second.lab");
  expect(names?.status).not.toBe(0);
});

test("destroying one leaves the other as it is", async () => {
  await second.destroy();
  expect(second.records()).toEqual([]);
  await first.expectNoChanges();
  const host = hostOf(await first.hosts(), "peter-kafka01");
  expect(await host.run("systemctl is-active kafka-server")).toBe("active\n");
});

test("another domain is other hosts with the same data", async () => {
  const segment = "/data/kafka-logs/peter-overview01-0/00000000000000000000.log";
  const before = hostOf(await first.hosts(), "peter-kafka01");
  const log = await before.run(`sudo stat -c '%i born %W' ${segment}`);
  const ids = (type: string) => first.recordsOf(type).map(({ id }) => id);
  const [instances, volumes] = [ids("Instance"), ids("Volume")];

  first.configure({ ...SMALL, vpcCidr: "10.30.0.0/16", domain: "moved.bar" });
  await first.up();
  const after = hostOf(await first.hosts(), "peter-kafka01");
  expect(await after.run("hostname -f")).toBe("peter-kafka01.moved.bar\n");
  expect(await after.run(`sudo stat -c '%i born %W' ${segment}`)).toBe(log);
  expect((await first.stackOutputs()).smokeTest.offset).toBe(1);
  expect(ids("Instance").filter((id) => instances.includes(id))).toEqual([]);
  expect(ids("Volume")).toEqual(volumes);
});

test("a new volume brings a new host, which waits for that volume", async () => {
  const ids = (type: string) => first.recordsOf(type).map(({ id, urn }) => `${id} ${urn}`);
  const [instances, volumes] = [ids("Instance"), ids("Volume")];
  await first.up("--replace", "**kafka-1-volume");
  const same = (before: string[], after: string[]) => after.filter((id) => before.includes(id));
  expect(same(instances, ids("Instance"))).toEqual([
    expect.stringMatching(/::zookeeper-1-instance$/),
  ]);
  expect(same(volumes, ids("Volume"))).toEqual([expect.stringMatching(/::zookeeper-1-volume$/)]);
});

test("a network that the machine routes already is refused, by a preview as well", async () => {
  const link = `kt-${process.pid}`;
  await must(["ip", "link", "add", link, "type", "veth", "peer", "name", `${link}p`]);
  try {
    await must(["ip", "address", "add", "10.77.5.1/24", "dev", link]);
    await must(["ip", "link", "set", link, "up"]);
    third.configure({ ...SMALL, vpcCidr: "10.77.0.0/16" });
    for (const command of ["preview", "up"]) {
      const { status, output } = await third.run(command);
      expect(status).not.toBe(0);
      expect(output).toContain(
        `The CIDR '10.77.0.0/16' overlaps 10.77.5.0/24, which this machine already routes (${link}).`,
      );
    }
    for (const type of ["Vpc", "Subnet", "Instance"]) {
      expect(third.recordsOf(type)).toEqual([]);
    }
  } finally {
    await run(["ip", "link", "delete", link]);
  }
});
