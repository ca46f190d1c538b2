import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { amiLab, MetadataService, removeAmiLab } from "../support/ami";
import { Cluster } from "../support/cluster";
import { type Host, hostOf } from "../support/host";
import { type Lab, useLab } from "../support/lab";
import { hostInit } from "../support/local-cloud";
import { waitFor } from "../support/run";

/*
 * The whole lab on Debian's EC2 image as it is: cloud-init asks a metadata service, logins are sessions
 * of logind's, apt's daily work is on, and Java and the commands come from Debian's mirror.
 */

// Six hosts install Java side by side, and run cloud-init.
vi.setConfig({ testTimeout: 2_400_000, hookTimeout: 1_800_000 });

let ami: string;

// Before the labs' own: the plugin that their commands start takes the image from there.
beforeAll(async () => {
  ami = await amiLab();
  process.env.KAFKALAB_LAB = ami;
});
afterAll(() => {
  delete process.env.KAFKALAB_LAB;
  removeAmiLab(ami);
});

/** Runs a command of the lab, with a metadata service for the hosts that it boots. */
async function served<T>(lab: Lab, command: () => Promise<T>): Promise<T> {
  const service = new MetadataService();
  const starting = service.start(lab.stateDir, () => lab.recordsOf("Vpc")[0]?.id);
  try {
    const [result] = await Promise.all([command(), starting]);
    return result;
  } finally {
    service.stop();
  }
}

const upper = (lab: Lab, id: string, path: string) =>
  join(lab.stateDir, "cloud/instances", id, "upper", path);
const isBastion = ({ name }: Host) => name === "peter-bastion01";
const instances = (lab: Lab) => lab.recordsOf("Instance").map(({ id }) => id);

/** Takes the power of all hosts at once. */
async function cutPower(lab: Lab): Promise<void> {
  for (const id of instances(lab)) {
    const pid = hostInit(id);
    if (pid !== undefined) process.kill(pid, "SIGKILL");
  }
  await waitFor("all hosts", "off", 30, () => {
    const on = instances(lab).filter((id) => hostInit(id) !== undefined);
    return on.length === 0 ? on : on.join();
  });
}

/** After hosts have come up again: nothing to change, nothing lost. */
async function expectWhole(lab: Lab, kept: string): Promise<void> {
  expect(await new Cluster(lab).messages()).toContain(kept);
  expect((await lab.stackOutputs()).smokeTest.inSyncReplicas).toHaveLength(3);
  await lab.expectNoChanges();
}

describe("behind a bastion", () => {
  const lab = useLab("ami-private", async (lab) => {
    lab.upSeconds = 1500;
    lab.configure({ topology: "private" });
    await served(lab, () => lab.up());
  });

  test("one up is enough: the hosts installed what Debian's image lacks, and know each other", async () => {
    const { smokeTest } = await lab.stackOutputs();
    expect(smokeTest.inSyncReplicas).toHaveLength(3);
    const seen = await hostOf(await lab.hosts(), "peter-kafka01").run(
      "systemctl is-enabled cloud-final && command -v java kcat xxd && grep ^search /etc/resolv.conf && loginctl --no-legend | wc -l",
    );
    expect(seen).toMatch(/^enabled\n.*\/java\n.*\/kcat\n.*\/xxd\nsearch foo\.bar\n[1-9]/);
  });

  test("a second up changes nothing", async () => {
    await lab.expectNoChanges();
    const printed = await lab.up();
    expect(printed).not.toMatch(/-server (re)?started$|installing/m);
  });

  test("each host comes back from a reboot of its own", async () => {
    const message = await new Cluster(lab).produce();
    const before = new Map(instances(lab).map((id) => [id, hostInit(id)]));
    await served(lab, async () => {
      const hosts = [...(await lab.hosts()).values()];
      const reboot = (host: Host) => host.try("sudo systemctl reboot");
      // The way to the others leads through the bastion.
      const [bastion, others] = [hosts.filter(isBastion), hosts.filter((host) => !isBastion(host))];
      await Promise.all(others.map(reboot));
      await Promise.all(bastion.map(reboot));
      await waitFor("all hosts", "rebooted", 300, () => {
        const old = instances(lab).filter((id) => {
          const pid = hostInit(id);
          return pid === undefined || pid === before.get(id);
        });
        return old.length === 0 ? old : old.join();
      });
      await lab.up();
    });
    await expectWhole(lab, message);
  });

  test("each host comes back from a power cut", async () => {
    const message = await new Cluster(lab).produce();
    await cutPower(lab);
    await served(lab, () => lab.up());
    await expectWhole(lab, message);
  });
});

describe("with public addresses", () => {
  const lab = useLab("ami-public", (lab) => {
    lab.upSeconds = 1500;
    return Promise.resolve();
  });

  test("a first boot that a power cut has ended while hosts wait for their volumes is completed by up", async () => {
    await served(lab, async () => {
      // Without volumes, and nobody who waits for the hosts.
      const excluded = ["**-attachment", "**:Command::**"].flatMap((urn) => ["--exclude", urn]);
      // The lab's own `up` refuses to make a part of a new lab.
      await lab.pulumi("stack", "init");
      const made = await lab.pulumi(
        ...["up", "--yes", "--skip-preview", ...excluded, "--exclude-dependents"],
      );
      expect(instances(lab), made.output).toHaveLength(6);
      await waitFor("first boots", "under way", 300, () => {
        const early = instances(lab).filter(
          (id) => !existsSync(upper(lab, id, "var/lib/kafkalab/user-data.log")),
        );
        return early.length === 0 ? early : early.join();
      });
    });
    const done = instances(lab).filter((id) =>
      existsSync(upper(lab, id, "var/lib/kafkalab/user-data-done")),
    );
    expect(done).toEqual([]);
    await cutPower(lab);
    const printed = await served(lab, () => lab.up());
    expect(printed).toContain("first boot is incomplete; running user data again");
    for (const id of instances(lab)) {
      const log = readFileSync(upper(lab, id, "var/lib/kafkalab/user-data.log"), "utf8");
      expect(log.match(/first boot, run by/g)).toHaveLength(2);
    }
    expect((await lab.stackOutputs()).smokeTest.inSyncReplicas).toHaveLength(3);
    await lab.expectNoChanges();
  });
});
