import { randomUUID } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Cluster, names } from "../support/cluster";
import { hostOf, same } from "../support/host";
import { type Outputs, useLab } from "../support/lab";
import { serverStates } from "../support/reach";
import { labProcesses, reboot, snapshot } from "../support/machine";

/*
 * What the machine, or somebody on it, takes away behind Pulumi's back.
 */

const TOPIC = "peter-overview01";
const lab = useLab("reboot", (lab) => lab.up());

const host = async (name: string) => hostOf(await lab.hosts(), name);

async function produce(through: string): Promise<string> {
  const message = `message-${randomUUID()}`;
  const command = `kcat -P -b ${through}:9092 -t ${TOPIC} -p 0 -X acks=all`;
  await (await host("peter-kafka01")).run(command, { input: message });
  return message;
}

/** All messages of the topic, through one broker. */
async function messages(through: string): Promise<string[]> {
  const command = `kcat -C -q -e -b ${through}:9092 -t ${TOPIC} -p 0 -o beginning`;
  return (await (await host("peter-kafka03")).run(command)).trim().split("\n");
}

async function leaderOf(on: string): Promise<string> {
  return (await host(on)).run(`kcat -L -b ${on}:9092 -t ${TOPIC} | grep 'partition 0'`);
}

const ids = () =>
  lab
    .records()
    .map(({ id }) => id)
    .sort();

test("after a reboot of the machine, up brings the lab back with its data", async () => {
  const message = await produce("peter-kafka02");
  const before = ids();
  const { clientBootstrapServers } = await lab.stackOutputs();
  await lab.reboot();
  const { owner } = lab;
  expect(labProcesses(owner)).toEqual([]);
  const left = [...(await snapshot())].filter((line) => owner.ids.some((id) => line.includes(id)));
  expect(left).toEqual([]);

  // Nothing dials an address that now leads out of the machine.
  for (const command of [
    ["ssh", "peter-kafka01", "true"],
    ["drill", "kill-broker"],
  ] as const) {
    const [name, ...rest] = command;
    const { status, stderr } = await lab.run(name, ...rest);
    expect(stderr).toBe(
      "kafkalab: no link of this machine leads to the hosts, for example because it was restarted.\n  Run: npm run up\n",
    );
    expect(status).toBe(1);
  }
  const seen = await lab.run("status");
  expect(seen.status).toBe(1);
  expect(seen.stdout).toContain("npm run up");

  await lab.up();
  expect(ids()).toEqual(before);
  expect(await new Cluster(lab).failedStarts()).toEqual(
    same(names("kafka"), "0 restarts, 0 refused"),
  );
  expect(await messages("peter-kafka01")).toContain(message);
  expect(await leaderOf("peter-kafka01")).toMatch(/isrs: \d,\d,\d/);
  // Clients outside the hosts go on with the same addresses.
  expect((await lab.stackOutputs()).clientBootstrapServers).toBe(clientBootstrapServers);
  expect(await serverStates(clientBootstrapServers)).toEqual(["open", "open", "open"]);
  const again = await produce("peter-kafka03");
  expect(await messages("peter-kafka02")).toContain(again);
  await lab.expectNoChanges();
});

test("after an up that did not end, hosts are found where they are now", async () => {
  await lab.reboot();
  await lab.killAt(["up"], "every host is up", (printed) =>
    /Command kafka-ready \w+ing/.test(printed),
  );

  const now = new Map(
    lab.recordsOf("Instance").map(({ chosen }) => [chosen.privateIp, chosen.publicIp]),
  );
  const { stdout } = await lab.pulumi("stack", "output", "hosts", "--json");
  // Brokers have elastic addresses, which stay.
  for (const [name, { privateIp, publicIp }] of Object.entries(
    JSON.parse(stdout) as Outputs["hosts"],
  )) {
    if (name.startsWith("peter-kafka")) {
      now.set(privateIp, publicIp);
    }
    expect(now.get(privateIp) === publicIp, name).toBe(name.startsWith("peter-kafka"));
  }

  const status = await lab.run("status");
  const rows = status.stdout.split("\n").filter((row) => /^peter-(zk|kafka)\d/.test(row));
  expect(rows).toHaveLength(6);
  for (const row of rows) {
    const [, publicIp, privateIp, up] = row.split(/ +/);
    expect(publicIp, row).toBe(now.get(privateIp));
    expect(up, row).toMatch(/^\d+h\d\dm$/);
  }
  await lab.up();
});

test("a host removed behind Pulumi's back is seen by refresh, and made again by up", async () => {
  const message = await produce("peter-kafka01");
  const instance = lab.recordsOf("Instance").find(({ urn }) => urn.endsWith("::kafka-2-instance"));
  const id = instance?.id ?? "";
  await reboot({ stateDir: join(lab.stateDir, "cloud/instances", id), ids: [id] }, {});
  rmSync(join(lab.stateDir, "cloud/instances", id), { recursive: true });
  expect((await lab.pulumiState()).ids).toContain(id);

  const refresh = await lab.pulumiConfigured("refresh", "--yes", "--skip-preview");
  expect(refresh.status, refresh.output).toBe(0);
  expect(refresh.output).toMatch(/kafka-2-instance/);
  expect((await lab.pulumiState()).ids).not.toContain(id);

  await lab.up();
  const made = lab.recordsOf("Instance").find(({ urn }) => urn.endsWith("::kafka-2-instance"));
  expect(made?.id).toMatch(/^i-/);
  expect(made?.id).not.toBe(id);
  expect(lab.recordsOf("Instance")).toHaveLength(6);
  expect(existsSync(join(lab.stateDir, "cloud/instances", id))).toBe(false);
  // Its data is on the volume, which is still the same.
  expect(await messages("peter-kafka02")).toContain(message);
  expect(await leaderOf("peter-kafka02")).toMatch(/isrs: \d,\d,\d/);
});
