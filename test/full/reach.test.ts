import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { hostOf } from "../support/host";
import { root, useLab } from "../support/lab";
import { must } from "../support/run";

/*
 * All ports of a host, from everywhere that is not the lab: what is open, and to whom.
 */

// A look at all ports takes half a minute, since a closed port does not answer.
vi.setConfig({ testTimeout: 600_000 });

const SCRIPT = readFileSync(join(root, "test/support/open-ports.py"), "utf8");
const SECONDS = 180;

/** A namespace of this machine, with a link and a route to the lab, but with no address of its blocks. */
const ELSEWHERE = `kafkalab-elsewhere-${process.pid}`;

/** The blocks for documentation: some machine may use one of them for itself. */
const BLOCKS = ["192.0.2", "198.51.100", "203.0.113"];
let [outer, inner] = ["", ""];

const SMALL = { zookeeperNodes: 1, brokers: 1, replicationFactor: 1 };
const lab = useLab("reached", async (lab) => {
  lab.configure(SMALL);
  await lab.up();
});
const other = useLab(
  "reaching",
  async (lab) => {
    lab.configure({ ...SMALL, vpcCidr: "10.31.0.0/16" });
    await lab.up();
  },
  lab,
);

const LINK = `kle-${process.pid}`;
let forwarding: string;

beforeAll(async () => {
  const used = await must(["ip", "-4", "address"]);
  const block = BLOCKS.find((each) => !used.includes(each)) ?? "";
  [outer, inner] = [`${block}.1`, `${block}.2`];
  forwarding = (await must(["sysctl", "-n", "net.ipv4.ip_forward"])).trim();
  const script = `
    ip netns add ${ELSEWHERE}
    ip link add ${LINK} type veth peer name eth0 netns ${ELSEWHERE}
    ip address add ${outer}/30 dev ${LINK}
    ip link set ${LINK} up
    ip -n ${ELSEWHERE} address add ${inner}/30 dev eth0
    ip -n ${ELSEWHERE} link set eth0 up
    ip -n ${ELSEWHERE} link set lo up
    ip -n ${ELSEWHERE} route add default via ${outer}
    sysctl -q -w net.ipv4.ip_forward=1`;
  await must(["bash", "-euc", script]);
});

afterAll(async () => {
  await must(["ip", "netns", "delete", ELSEWHERE]);
  await must(["sysctl", "-q", "-w", `net.ipv4.ip_forward=${forwarding}`]);
});

const openPorts = async (enter: readonly string[], address: string) => {
  const argv = [...enter, "python3", "-", address];
  return JSON.parse(await must(argv, { input: SCRIPT, timeoutSeconds: SECONDS })) as number[];
};

const addressOf = async (name: string) => hostOf(await lab.hosts(), name).publicIp;

describe.each([
  ["peter-kafka01", [22, 9094]],
  ["peter-zk01", [22]],
])("%s", (name, expected) => {
  test("from this machine", async () => {
    expect(await openPorts([], await addressOf(name))).toEqual(expected);
  });

  test("from another network namespace", async () => {
    const address = await addressOf(name);
    expect(await openPorts(["ip", "netns", "exec", ELSEWHERE], address)).toEqual([]);
  });

  test("from a host of another lab", async () => {
    const from = hostOf(await other.hosts(), "peter-kafka01");
    expect(await openPorts(from.sshArguments(), await addressOf(name))).toEqual([]);
  });
});

test("a namespace behind this machine's address is this machine, as for a container", async () => {
  const nat = `table ip ${LINK} { chain out { type nat hook postrouting priority srcnat; ip saddr ${inner} masquerade; }; }`;
  await must(["nft", "-f", "-"], { input: nat });
  try {
    const address = await addressOf("peter-kafka01");
    expect(await openPorts(["ip", "netns", "exec", ELSEWHERE], address)).toEqual([22, 9094]);
  } finally {
    await must(["nft", "delete", "table", "ip", LINK]);
  }
});

test("from an address outside the blocks", async () => {
  const outside = ["198.18.0.0/32"];
  lab.configure({ ...SMALL, sshAllowedCidrs: outside, clientAllowedCidrs: outside });
  await lab.up();
  expect(await openPorts([], await addressOf("peter-kafka01"))).toEqual([]);
});
