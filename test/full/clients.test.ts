import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { Load } from "../../cli/drill/load";
import {
  Client,
  clientBootstrap,
  CLIENTS,
  expectExact,
  expectNothingLost,
  HOST_CLIENTS,
  type LastingClient,
} from "../support/clients";
import { BOOTSTRAP, Cluster, expectUndisturbed, leaderLast, since } from "../support/cluster";
import { hostOf } from "../support/host";
import { useLab } from "../support/lab";
import { serverStates } from "../support/reach";
import { Tunnel } from "../support/tunnel";

/*
 * Clients in five languages on this machine and on a client host, in both topologies: with a cluster at
 * rest, and while every broker restarts.
 */

// On two cores eight clients slow the roll down.
vi.setConfig({ testTimeout: 1_200_000, hookTimeout: 1_200_000 });

const LOAD = {
  ...{ topic: "listener", partitions: 3, bootstrap: BOOTSTRAP },
  ...{ perSecond: 30, maxSeconds: 280 },
};

/** kcat ends if a topic is unknown, which it is for a moment when all brokers have just started. */
const LASTING = CLIENTS.filter((name) => name !== "kcat");

describe.each(["public", "private"])("%s topology", (topology) => {
  const lab = useLab(`clients-${topology}`, async (lab) => {
    lab.upSeconds = 3600; // the tunnel lasts as long as the tests
    const isPublic = topology === "public";
    lab.configure({ topology, clients: 1, ...(isPublic && { clientAllowedCidrs: ["none"] }) });
    await lab.up();
  });
  const cluster = new Cluster(lab);
  let tunnel: Tunnel | undefined;
  let running: LastingClient[] = [];

  beforeAll(async () => {
    if (topology === "private") {
      tunnel = await Tunnel.open(lab);
    }
  });

  afterAll(() => tunnel?.close());

  afterEach(() => {
    running.forEach((client) => client.kill());
    running = [];
  });

  const inside = async () => {
    const host = hostOf(await lab.hosts(), "peter-client01");
    const { bootstrapServers } = await lab.stackOutputs();
    return { host, bootstrapServers };
  };

  // Before the brokers have their elastic addresses. The client host keeps its own.
  test.runIf(topology === "public")("a new listener: a roll, and nothing is lost", async () => {
    expect((await lab.stackOutputs()).clientBootstrapServers).toBe("");
    const { host } = await inside();
    const [before, last] = [await cluster.brokerStarts(), await cluster.controller()];
    const load = await Load.start(host, LOAD);
    lab.configure({ topology, clients: 1 });
    await lab.up();
    const report = await load.stop();
    expect(since(before, await cluster.brokerStarts())).toEqual(leaderLast("kafka", last));
    expectUndisturbed(report, LOAD.perSecond);
    expect(await serverStates(await clientBootstrap(lab))).toEqual(["open", "open", "open"]);
  });

  test.each(CLIENTS)("%s on this machine", async (name) => {
    const client = await Client.here(name);
    expectExact(await client.run(lab, await clientBootstrap(lab)));
  });

  test.each(HOST_CLIENTS)("%s on a client host", async (name) => {
    const { host, bootstrapServers } = await inside();
    const client = await Client.on(host, name);
    expectExact(await client.run(lab, bootstrapServers));
  });

  test("all of them while every broker restarts: no acknowledged record is lost", async () => {
    const { host, bootstrapServers } = await inside();
    const outside = await clientBootstrap(lab);
    for (const name of CLIENTS) {
      running.push(await (await Client.here(name)).start(lab, outside));
    }
    for (const name of HOST_CLIENTS) {
      running.push(await (await Client.on(host, name)).start(lab, bootstrapServers));
    }
    const before = await cluster.brokerStarts();
    lab.configure({ topology, clients: 1, brokerConfig: { "queued.max.requests": 600 } });
    const rolled = performance.now();
    await lab.up();
    expect(since(before, await cluster.brokerStarts())).toHaveLength(3);
    const rollSeconds = (performance.now() - rolled) / 1000;
    const reports = await Promise.all(running.map((client) => client.stop()));
    for (const report of reports) {
      expectNothingLost(report, rollSeconds);
    }
  });

  test.runIf(topology === "public")(
    "the same clients go on at the same addresses after a host, all hosts or the machine were away",
    async () => {
      const outside = await clientBootstrap(lab);
      for (const name of LASTING) {
        running.push(await (await Client.here(name)).start(lab, outside));
      }
      const settings = { topology, clients: 1 };
      const away: Record<string, () => Promise<void>> = {
        powerOff: async () => {
          const { status, output } = await lab.run("drill", "power-off");
          expect(status, output).toBe(0);
        },
        pause: async () => {
          lab.configure({ ...settings, running: false });
          await lab.up();
          expect(await serverStates(outside)).toEqual(["closed", "closed", "closed"]);
          lab.configure(settings);
          await lab.up();
        },
        restart: async () => {
          await lab.reboot();
          await lab.up();
        },
      };
      for (const [what, happens] of Object.entries(away)) {
        await happens();
        expect(await clientBootstrap(lab), what).toBe(outside);
        await Promise.all(running.map((client) => client.goesOn()));
      }
      const reports = await Promise.all(running.map((client) => client.stop()));
      expect(reports.map(({ client, lost }) => [client, lost])).toEqual(
        LASTING.map((client) => [client, 0]),
      );
    },
  );
});
