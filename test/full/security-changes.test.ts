import { describe, expect, test, vi } from "vitest";
import { Load } from "../../cli/drill/load";
import {
  type ClientSecurity,
  securityOf,
  securityOutput,
  type SecurityOutput,
} from "../../cli/clients/security";
import { listenerPort, PROTOCOLS } from "../../components/lib/kafka-listeners";
import type { SecurityMode } from "../../components/lib/kafka-security";
import { REPLICATION_PORT } from "../../shared/kafka-contact";
import { Client, EXACTLY_ONCE, expectNothingLost, type LastingReport } from "../support/clients";
import {
  BOOTSTRAP,
  Cluster,
  expectUndisturbed,
  names,
  SECURED_BOOTSTRAP,
  since,
} from "../support/cluster";
import { hostOf } from "../support/host";
import { type Settings, useLab } from "../support/lab";
import { killOperators } from "../support/machine";
import { clientAcls } from "../support/secured-lab";

/*
 * Every change of mode, and every rotation, while clients write, read in a group and copy in transactions:
 * nothing that was acknowledged is lost. Then changes of mode whose operator is killed. Each test starts from
 * what the one before it left.
 */

// Two ups, each with two rolls of brokers and three of ZooKeeper's nodes, under load.
vi.setConfig({ testTimeout: 1_200_000, hookTimeout: 600_000 });

const USERS: Settings = {
  users: ["alice"],
  acls: clientAcls("alice"),
};
/** Few, so that two cores restart nodes soon. */
const PER_SECOND = 40;
const LOAD = { partitions: 3, perSecond: 30, maxSeconds: 1100 };

const lab = useLab("security-changes", () => {
  lab.upSeconds = 900;
  return lab.up();
});
let loads = 0;
/** What users have; on the way back to plaintext they have it from before. */
let secrets: SecurityOutput | undefined;

type Change = SecurityMode | { from: SecurityMode; to: SecurityMode };

/** What clients of a mode use outside the VPC, by the outputs of the last `up`. */
async function accessOf(
  mode: SecurityMode,
): Promise<{ servers: string; security: ClientSecurity }> {
  const { hosts, ...outputs } = await lab.stackOutputs();
  const port = listenerPort("client", mode);
  const servers = names("kafka").map((name) => `${hosts[name]?.publicIp}:${port}`);
  const { clientSecurity } = outputs as { clientSecurity?: unknown };
  secrets = (clientSecurity ?? null) === null ? secrets : securityOutput.parse(clientSecurity);
  return {
    servers: servers.join(),
    security:
      secrets === undefined || mode === "plaintext"
        ? { protocol: "PLAINTEXT" }
        : securityOf({ ...secrets, protocol: PROTOCOLS[mode] }, "local", "alice"),
  };
}

/** Starts a load on a broker's host, over the listener that is there before and after a change. */
async function startLoad(bootstrap: string): Promise<Load> {
  const broker = hostOf(await lab.hosts(), "peter-kafka01");
  return Load.start(broker, { ...LOAD, bootstrap, topic: `load-${(loads += 1)}` });
}

/** Does something while clients of a mode are at work, which must lose nothing. */
async function underLoad(
  mode: SecurityMode,
  bootstrap: string,
  work: () => Promise<unknown>,
): Promise<LastingReport[]> {
  const { servers, security } = await accessOf(mode);
  const load = await startLoad(bootstrap);
  const clients = [];
  for (const name of ["python", EXACTLY_ONCE] as const) {
    clients.push(
      await (await Client.here(name)).start(lab, servers, { security, perSecond: PER_SECOND }),
    );
  }
  const began = performance.now();
  try {
    await work();
  } catch (error) {
    clients.forEach((client) => client.kill());
    throw error;
  }
  const seconds = (performance.now() - began) / 1000;
  process.stderr.write(`${mode} clients, ${seconds.toFixed(1)} s\n`);
  const reports = await Promise.all(clients.map((client) => client.stop()));
  expectUndisturbed(await load.stop(), LOAD.perSecond);
  for (const report of reports) {
    expectNothingLost(report, seconds, PER_SECOND);
    // A group reads a record again if its coordinator went away before the commit; a transaction does not.
    if (report.client === EXACTLY_ONCE) {
      expect(report.duplicates, JSON.stringify(report)).toBe(0);
    }
  }
  return reports;
}

/** Without security there are no users. */
const configure = (security: Change, more: Settings = {}) =>
  lab.configure({ ...(security === "plaintext" ? {} : USERS), security, ...more });

async function expectServed(...modes: SecurityMode[]): Promise<void> {
  const client = await Client.here("python");
  for (const mode of modes) {
    const { servers, security } = await accessOf(mode);
    const report = await client.run(lab, servers, { security });
    expect(report).toMatchObject({ acknowledged: 10_000, lost: 0, duplicates: 0 });
  }
}

const OVER = (from: SecurityMode, to: SecurityMode) => ({ from, to });

describe("modes", () => {
  test.each<[string, Change, SecurityMode, string, SecurityMode[], number]>([
    [
      "to both, clients of plaintext go on",
      ...([OVER("plaintext", "tls"), "plaintext", BOOTSTRAP] as const),
      ...([["plaintext", "tls"] as SecurityMode[], 6] as const),
    ],
    ["to tls, clients of tls go on", "tls", "tls", SECURED_BOOTSTRAP, ["tls"], 3],
    [
      "to tls and sasl, clients of tls go on",
      ...([
        OVER("tls", "sasl"),
        "tls",
        SECURED_BOOTSTRAP,
        ["tls", "sasl"] as SecurityMode[],
        3,
      ] as const),
    ],
    ["to sasl, clients of sasl go on", "sasl", "sasl", SECURED_BOOTSTRAP, ["sasl"], 3],
    [
      "to sasl and plaintext, clients of sasl go on",
      ...([OVER("sasl", "plaintext"), "sasl", SECURED_BOOTSTRAP] as const),
      ...([["sasl", "plaintext"] as SecurityMode[], 6] as const),
    ],
    [
      "to plaintext, clients of plaintext go on",
      "plaintext",
      "plaintext",
      BOOTSTRAP,
      ["plaintext"],
      3,
    ],
  ])("%s", async (_, change, mode, bootstrap, served, restarts) => {
    const cluster = new Cluster(lab, bootstrap === BOOTSTRAP ? 9092 : REPLICATION_PORT);
    const before = await cluster.brokerStarts();
    configure(change);
    await underLoad(mode, bootstrap, () => lab.up());
    expect(since(before, await cluster.brokerStarts())).toHaveLength(restarts);
    await expectServed(...served);
    await lab.expectNoChanges();
  });
});

describe("killed", () => {
  /** Whether so many restarts of services have been printed since the operator of Kafka began. */
  const restarted = (count: number) => (printed: string) =>
    (printed.match(/peter-kafka\d+: kafka-server restarted/g) ?? []).length >= count;

  test.each<[string, Change, string, (printed: string) => boolean]>([
    [
      "after the first restart of a broker",
      ...([OVER("plaintext", "sasl"), BOOTSTRAP, restarted(1)] as const),
    ],
    ["after the second restart of a broker", "sasl", SECURED_BOOTSTRAP, restarted(2)],
    [
      "as znodes are opened again",
      ...([OVER("sasl", "plaintext"), SECURED_BOOTSTRAP] as const),
      (printed) => printed.includes("of all znodes become unsecure"),
    ],
    [
      "as it begins",
      ...([
        "plaintext",
        BOOTSTRAP,
        (printed: string) => /kafka-ready updating/.test(printed),
      ] as const),
    ],
    [
      "in the second round, in which replication moves to TLS",
      ...([OVER("plaintext", "tls"), BOOTSTRAP, restarted(4)] as const),
    ],
  ])("%s: the next up goes on, and nothing is lost", async (_, change, bootstrap, reached) => {
    const load = await startLoad(bootstrap);
    configure(change);
    await lab.killAt(["up"], "the operator is to be killed", reached, 600, killOperators);
    await lab.up();
    expectUndisturbed(await load.stop(), LOAD.perSecond);
    await lab.expectNoChanges();
  });
});

describe("rotations, while brokers run on", () => {
  const cluster = new Cluster(lab, REPLICATION_PORT);
  const rotate = (rotation: object) => configure("sasl", { rotation });

  test("of certificates", async () => {
    configure(OVER("plaintext", "sasl"));
    await lab.up();
    configure("sasl");
    await lab.up();
    const before = await cluster.brokerStarts();
    rotate({ certificates: 2 });
    await underLoad("sasl", SECURED_BOOTSTRAP, () => lab.up());
    expect(await cluster.brokerStarts()).toEqual(before);
    await expectServed("sasl");
    await lab.expectNoChanges();
  });

  test("of the CA: clients with their former files go on until it is gone, and no longer", async () => {
    const before = await cluster.brokerStarts();
    const former = await accessOf("sasl");
    rotate({ certificates: 2, ca: { from: 1, to: 2 } });
    await underLoad("sasl", SECURED_BOOTSTRAP, () => lab.up());
    const client = await Client.here("python");
    const report = await client.run(lab, former.servers, { security: former.security });
    expect(report).toMatchObject({ acknowledged: 10_000, lost: 0 });
    // These clients have the new files.
    rotate({ certificates: 2, ca: 2 });
    await underLoad("sasl", SECURED_BOOTSTRAP, () => lab.up());
    expect(await cluster.brokerStarts()).toEqual(before);
    await expectServed("sasl");
    await expect(client.run(lab, former.servers, { security: former.security })).rejects.toThrow(
      /certificate verify failed|_SSL|timed out|TIMED_OUT/,
    );
    await lab.expectNoChanges();
  });

  test("of certificates, with the second CA", async () => {
    const before = await cluster.brokerStarts();
    rotate({ certificates: 3, ca: 2 });
    await underLoad("sasl", SECURED_BOOTSTRAP, () => lab.up());
    expect(await cluster.brokerStarts()).toEqual(before);
    await expectServed("sasl");
  });

  test("of passwords: open connections stay, and a new one needs the new password", async () => {
    const before = await cluster.brokerStarts();
    const former = await accessOf("sasl");
    rotate({ certificates: 3, ca: 2, passwords: 2 });
    await underLoad("sasl", SECURED_BOOTSTRAP, () => lab.up());
    expect(await cluster.brokerStarts()).toEqual(before);
    await expectServed("sasl");
    const client = await Client.here("python");
    await expect(client.run(lab, former.servers, { security: former.security })).rejects.toThrow(
      /AUTHENTICATION|TIMED_OUT|timed out/,
    );
    await lab.expectNoChanges();
  });
});
