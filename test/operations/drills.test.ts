import { expect, test } from "vitest";
import { Cluster } from "../support/cluster";
import { EXPECTED_OF_DRILLS, expectDrill } from "../support/drills";
import { onAll, same } from "../support/host";
import { useLab } from "../support/lab";
import { waitFor } from "../support/run";

/*
 * The drills, each through the user's command, on one lab. Each leaves it as it was, so the next one
 * can begin.
 */

const lab = useLab("drills", () => lab.up());

/** On a machine with nothing else to do it is a tenth of it. */
const RECOVERY_SECONDS = 300;
const DRILL_MS = 600_000;

/** Services that do not run, and what a drill may have forgotten on a host or in its network. */
async function traces(): Promise<Record<string, string>> {
  const hosts = [...(await lab.hosts()).values()];
  return onAll(
    hosts,
    `service=zookeeper-server; [[ $HOSTNAME != *kafka* ]] || service=kafka-server
    systemctl is-active --quiet $service || echo $service
    ls -d /run/kafkalab-drill /run/systemd/system/$service.service.d /data/kafkalab-drill* 2>/dev/null
    sudo -n cat /proc/$(systemctl show -P MainPID $service)/environ | tr '\\0' '\\n' | grep FAKETIME
    [[ $service != kafka-server ]] || kcat -L -b localhost:9092 | grep -o 'topic "drill-[^"]*"'; true`,
  );
}

const noTraces = async () => same([...(await lab.hosts()).keys()], "");

test("the list of drills is that of this file", async () => {
  const { status, stdout } = await lab.run("drill", "list");
  expect(status).toBe(0);
  const names = stdout
    .trim()
    .split("\n")
    .map((line) => line.split(" ")[0]);
  expect(names).toEqual(Object.keys(EXPECTED_OF_DRILLS));
});

test.each(Object.entries(EXPECTED_OF_DRILLS))(
  "%s loses nothing and leaves the lab as it was",
  async (name, expected) => {
    const { report, output } = await expectDrill(lab, name, expected);
    expect(report.acknowledged).toBeGreaterThan(0);
    expect(report.recoverySeconds).toBeLessThan(RECOVERY_SECONDS);
    expect(await traces()).toEqual(await noTraces());
    if (expected.victimStarts !== undefined) {
      const starts = await new Cluster(lab).failedStarts();
      expect(starts[report.victim]).toBe(expected.victimStarts);
    }
    process.stderr.write(`${output.split("\n").find((line) => line.includes(`${name}:`))}\n`);
  },
  DRILL_MS,
);

test("a drill that is interrupted puts the lab right first", async () => {
  const running = lab.start("drill", "zookeeper-majority");
  const hosts = [...(await lab.hosts()).values()].filter(({ name }) => /zk0[23]/.test(name));
  await waitFor("two ZooKeepers", "killed", 60, async () => {
    const states = await onAll(hosts, "systemctl is-active zookeeper-server; true");
    return Object.values(states).some((state) => state === "active") ? JSON.stringify(states) : {};
  });
  process.kill(running.pid, "SIGINT");
  const { status, output } = await running.ended;
  expect(status).toBe(1);
  expect(output).toContain("interrupted by SIGINT");
  expect(await traces()).toEqual(await noTraces());
});

test("what is not known is refused before anything is done", async () => {
  const { status, output } = await lab.run("drill", "no-such");
  expect(status).toBe(2);
  expect(output).toContain("there is no drill no-such. There are kill-broker,");
});

test("after all of them there is nothing to change", async () => {
  await lab.expectNoChanges();
});
