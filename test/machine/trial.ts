import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { root } from "../support/lab";
import { must, waitFor } from "../support/run";
import { Machine, type Suite } from "./machine";

/** What is tried on a machine of its own. */
export interface Trial {
  name: string;
  suite: Suite;
  /** Makes the machine another than Debian's usual one, for good, before there is a lab. */
  prepare?: (machine: Machine) => Promise<unknown>;
  /** What is another one after each restart of such a machine, in the lines of a snapshot. */
  passing?: RegExp;
  /** Does something to a machine with a lab that runs. */
  disturb?: (machine: Machine) => Promise<unknown>;
}

/** A shutdown ends services at once; the default of those that do not end is 90 s. */
const MAX_STOP_SECONDS = 45;
/** `up`, on a machine that does other things as well. */
const UP_SECONDS = 420;
const TOPIC = "peter-overview01";

/** What runs for the lab, as `<unit> <program>`. */
const LAB_PROCESSES = `ps -e -o cgroup=,comm= | grep -E 'systemd-nspawn|slirp4netns|dnsmasq|busybox'`;

/** The whole life of a lab on a machine whose PID 1 is systemd, by a user who may use sudo. */
export function describeTrial(trial: Trial): void {
  describe(trial.name, () => {
    let machine: Machine;
    let before: Set<string>;
    let message: string;
    const lab = (command: string, seconds?: number) => machine.must(machine.lab(command), seconds);

    beforeAll(async () => {
      // So that the machine finds all in the cache, whatever its own tools could build.
      await must(["scripts/dev/setup.sh"], { cwd: root, timeoutSeconds: 600 });
      machine = await Machine.install(trial.suite);
      await machine.start();
      if (trial.prepare) {
        await trial.prepare(machine);
        await machine.stop();
        await machine.start();
      }
      await machine.must("sudo true"); // sudo notes the first time
      before = await machine.snapshot();
      await lab("setup", 300);
    }, 900_000);
    afterEach(async ({ task }) => {
      if (task.result?.state === "fail") {
        process.stderr.write(`logs of the machine: ${await machine.logs()}\n`);
      }
    });
    afterAll(() => machine?.dispose(), 300_000);

    test("up, from a terminal of a desktop", { timeout: UP_SECONDS * 1000 }, async () => {
      await machine.must(machine.onDesktop(machine.lab("up")), UP_SECONDS);
      const processes = (await machine.sudo(LAB_PROCESSES)).trim().split("\n");
      expect(processes.length).toBeGreaterThanOrEqual(9);
      const strangers = processes.filter((line) => !line.includes("/system.slice/kafkalab-"));
      expect(strangers).toEqual([]);
      // What has controllers, or hands them down, holds no process: `no internal processes`.
      const groups = "find /sys/fs/cgroup/system.slice -path '*/kafkalab-i-*' -name cgroup.procs";
      const inner = `${groups} -exec sh -c 'for f; do d=\${f%/*}; ls -d $d/*/ >/dev/null 2>&1 && grep -H . $f; done; true' sh {} + | grep -v /payload/`;
      expect(await machine.sudo(`${inner} || true`)).toBe("");
    });

    test("the lab outlives the login, with its DNS and its way out", async () => {
      await waitFor("kim", "logged out", 60, async () => {
        const state = await machine.sudo("systemctl is-active user@1000.service || true");
        return state.startsWith("active") || state.startsWith("deactivating") ? state : {};
      });
      await trial.disturb?.(machine);
      const status = await lab("status");
      expect(status).toMatch(/^NETWORK +DNS +WAY OUT\n\S+ +ok +ok$/m);
      expect(await lab("ssh -- peter-kafka02 getent hosts peter-zk03")).toContain("peter-zk03");
      message = await passMessage();
    });

    test("the machine shuts down soon, brokers before ZooKeeper", async () => {
      const seconds = await machine.stop();
      process.stderr.write(`${trial.name}: the machine stops in ${seconds} s\n`);
      expect(seconds).toBeLessThan(MAX_STOP_SECONDS);
      await machine.start();
    });

    test("status says at once that the machine was restarted, and up brings all back", { timeout: UP_SECONDS * 1000 }, async () => {
      const began = Date.now();
      const { status, stdout } = await machine.kim(machine.lab("status"));
      process.stderr.write(`${trial.name}: status says so in ${(Date.now() - began) / 1000} s\n`);
      expect(status, stdout).toBe(1);
      expect(stdout).toContain("The machine was restarted, so the hosts are stopped.");
      expect(stdout).toContain("npm run up");
      expect(stdout).not.toContain("timed out");

      await lab("up", UP_SECONDS);
      expect(await messages()).toContain(message);
      await lab("status");
      for (const ordinal of [1, 2, 3]) {
        const log = await lab(`ssh -- peter-kafka0${ordinal} sudo journalctl --quiet --unit=kafka-server`);
        // Brokers were stopped in order, with a ZooKeeper to say so to, and found their logs clean.
        expect(log).not.toMatch(/recovering segment|was not properly closed|Recovering unflushed/i);
        expect(log).toMatch(/shut down completed/);
        expect(log).not.toMatch(/Session .* has expired|Unable to reconnect to ZooKeeper/i);
      }
    }); // prettier-ignore

    test("a checkpoint is saved and restored", { timeout: UP_SECONDS * 1000 }, async () => {
      await lab("checkpoint -- save one", 120);
      const later = await passMessage();
      await lab("checkpoint -- restore one", UP_SECONDS);
      expect(await messages()).toContain(message);
      expect(await messages()).not.toContain(later);
    });

    test("a drill", { timeout: UP_SECONDS * 1000 }, async () => {
      await lab("drill -- kill-broker", UP_SECONDS);
    });

    test("after destroy the machine is as it was", { timeout: UP_SECONDS * 1000 }, async () => {
      await lab("destroy", 180);
      const names = (await lab("checkpoint -- list")).match(/^(one|before-[\d-]+)/gm) ?? [];
      if (names.length > 0) await lab(`checkpoint -- delete ${names.join(" ")}`);
      const after = await machine.snapshot();
      const lasting = (line: string) => !trial.passing?.test(line);
      expect({
        left: [...after].filter((line) => !before.has(line)).filter(lasting),
        lost: [...before].filter((line) => !after.has(line)).filter(lasting),
      }).toEqual({ left: [], lost: [] });
      expect(await machine.strays()).toBe(0);
    }); // prettier-ignore

    /** Writes a message through one broker, and reads it through another; what it was. */
    async function passMessage(): Promise<string> {
      const text = `message-${Date.now()}`;
      const produce = `echo ${text} | kcat -P -b peter-kafka01:9092 -t ${TOPIC} -p 0 -X acks=all`;
      await lab(`ssh -- peter-kafka02 "${produce}"`);
      expect(await messages()).toContain(text);
      return text;
    }

    async function messages(): Promise<string[]> {
      const consume = `kcat -C -q -e -b peter-kafka03:9092 -t ${TOPIC} -p 0 -o beginning`;
      return (await lab(`ssh -- peter-kafka02 "${consume}"`)).trim().split("\n");
    }
  });
}
