import { afterAll, beforeAll, expect, test } from "vitest";
import { firewall, openWith, STYLES, type Style } from "../support/firewalls";
import { Cloud, type Plugin, type Resource } from "../support/local-cloud";
import { T } from "../support/network";
import { SmallMachine } from "../support/small-machine";

/*
 * A machine whose own firewall stops what it does not know. `npm run test:full` has the complete matrix.
 */

const machine = new SmallMachine();
const cloud = new Cloud({ machine });
const style = STYLES["nftables, inet"] as Style;
const inputs = { cidrBlock: "10.77.0.0/16" };
let plugin: Plugin;
let vpc: Resource;

beforeAll(async () => {
  await machine.make();
  plugin = await cloud.plugin();
});
afterAll(async () => {
  await cloud.dispose();
  await machine.remove();
});

test("a new VPC fails in seconds, names the rule that opens the way, and leaves nothing", async () => {
  await machine.firewall(
    firewall(style, {
      output: { end: "policy drop", established: true },
      forward: { end: "policy drop" },
      input: { end: "policy drop", established: true },
    }),
  );
  const began = Date.now();
  const error = await plugin.create(T.vpc, "vpc", inputs).then(
    () => "made",
    (error: Error) => error.message,
  );
  const seconds = (Date.now() - began) / 1000;
  const [link] = /kl-[0-9a-f]{12}/.exec(error) ?? [];
  const [machineEnd, router] = [...error.matchAll(/198\.\d+\.\d+\.[12]/g)].map(([found]) => found);
  expect(error.split("\n")).toEqual([
    expect.stringMatching(
      `^This machine cannot connect to the VPC vpc-[0-9a-f]{17} through its link ${link}, from ${machineEnd} to ${router}, TCP port 22. Seen within 2s: no answer.$`,
    ),
    "The packet did not arrive: a firewall on this machine blocks outgoing packets on that link.",
    'Found: the chain output of the nftables table "inet filter", policy drop.',
    'Allow the lab\'s links (all are called kl-…) there, and run "npm run up" again:',
    '  nft insert rule inet filter output oifname "kl-*" accept',
    "The firewall forgets a rule at its next start, unless you add it to its configuration.",
  ]);
  expect(seconds).toBeLessThan(30); // three on a machine that has nothing else to do
  expect(cloud.records).toEqual([]);
  expect(await machine.must("ip", "-br", "link")).not.toContain("kl-");
  expect(await machine.must("ip", "route")).not.toContain("unreachable");
});

test("with that rule the next one is made", async () => {
  await machine.must("bash", "-c", openWith(style, "output"));
  vpc = await plugin.create(T.vpc, "vpc", inputs);
  expect(await plugin.diff(vpc)).toMatchObject({ changes: false });
});

test("a firewall that comes later fails the next up, as long as it is closed", async () => {
  const input = { end: "reject with a reset" } as const;
  await machine.firewall(firewall(style, { input }));
  expect(await plugin.diff(vpc)).toMatchObject({ changes: true, replaces: [] });
  await expect(plugin.update(vpc, {})).rejects.toThrow(
    /The packet arrived and the answer did not come back[^]*\n {2}nft insert rule inet filter input iifname "kl-\*" accept\n/,
  );
  await machine.firewall(firewall(style, { input: { ...input, established: true } }));
  expect(await plugin.diff(vpc)).toMatchObject({ changes: false });
  await plugin.update(vpc, {});
});

test("what does not come from a firewall is told as what it is", async () => {
  await machine.firewall("");
  await machine.must("ip", "route", "add", "default", "via", "192.0.2.1", "table", "77");
  await machine.must("ip", "rule", "add", "from", "all", "lookup", "77", "priority", "100");
  try {
    expect(await plugin.diff(vpc)).toMatchObject({ changes: true });
    await expect(plugin.update(vpc, {})).rejects.toThrow(
      /the machine's routes lead to eth0 \(table 77\)[^]*Exclude 198\.18\.0\.0\/15/,
    );
    expect(await machine.left()).toBe(0);
  } finally {
    await machine.must("ip", "rule", "delete", "priority", "100");
  }
  expect(await plugin.diff(vpc)).toMatchObject({ changes: false });
});
