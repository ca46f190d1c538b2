import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { KAFKA_KERNEL } from "../../components/lib/kafka-config";
import { ZOOKEEPER_KERNEL } from "../../components/lib/zookeeper-config";
import { hostOf, onAll, quote, same, type Host } from "../support/host";
import { useLab } from "../support/lab";
import { commandLines, listeners, startedFor } from "../support/machine";
import { portState } from "../support/reach";
import { run } from "../support/run";

/*
 * Who may reach what, and where secrets are not.
 */

/** What `systemd-analyze security` may find of either unit at most, of 10. */
const EXPOSURE = 1.1;

/** A port that no rule names. */
const PROBE = 7777;

/** What was seen on the machine while the lab came up. */
const seen = {
  /** Programs with the addresses that they listened on at any time, and at the last look. */
  listeners: new Set<string>(),
  last: new Set<string>(),
  commandLines: new Set<string>(),
};

const lab = useLab("security", async (lab) => {
  const before = await listeners();
  const up = lab.start("up");
  const ended = up.ended.then(({ status }) => status);
  let status: number | string | undefined;
  const look = async () => {
    for (const line of commandLines()) {
      seen.commandLines.add(line);
    }
    seen.last.clear();
    for (const [listener, owners] of await listeners()) {
      const own = owners.filter(({ pid }) => startedFor(pid, lab.owner));
      if (!before.has(listener) && own.length > 0) {
        const place = `${own.map(({ name }) => name).join()} on ${listener.replace(/:\d+$/, "")}`;
        seen.listeners.add(place);
        seen.last.add(place);
      }
    }
  };
  while (status === undefined) {
    await look();
    status = await Promise.race([ended, new Promise<undefined>((go) => setTimeout(go, 200))]);
  }
  await look();
  expect(status, up.output()).toBe(0);
});
let hosts: Map<string, Host>;

beforeAll(async () => {
  hosts = await lab.hosts();
});

const host = (name: string) => hostOf(hosts, name);

/** Whether a TCP connection from one host to another's port opens: `open` or `closed`. */
async function port(from: string, to: string, number: number): Promise<string> {
  const { status } = await host(from).try(`nc -z -w 3 ${to} ${number}`);
  return `${from} -> ${to}:${number} ${status === 0 ? "open" : "closed"}`;
}

describe("security groups", () => {
  test("let through what the lab needs, and nothing else", async () => {
    const expected = [
      // Brokers reach one another and ZooKeeper's clients' port; ZooKeeper nodes one another.
      "peter-kafka01 -> peter-kafka02:9092 open",
      "peter-kafka03 -> peter-kafka01:9092 open",
      "peter-kafka01 -> peter-zk01:2181 open",
      "peter-zk01 -> peter-zk02:2181 open",
      "peter-zk03 -> peter-zk01:3888 open",
      // JMX is for the broker itself.
      "peter-kafka01 -> peter-kafka02:9999 closed",
      "peter-zk01 -> peter-kafka01:9999 closed",
      "peter-zk01 -> peter-kafka01:9092 closed",
      "peter-kafka01 -> peter-zk01:2888 closed",
      "peter-kafka01 -> peter-zk01:3888 closed",
      "peter-kafka01 -> peter-kafka02:22 closed",
      "peter-zk01 -> peter-kafka01:22 closed",
    ];
    const found = expected.map((line) => {
      const [, from = "", to = "", number = ""] = /^(\S+) -> (.+):(\d+)/.exec(line) ?? [];
      return port(from, to, Number(number));
    });
    expect(await Promise.all(found)).toEqual(expected);
  });

  test("close a port although something listens there, on the same subnet as well", async () => {
    const on = host("peter-kafka01");
    await on.run(`sudo systemd-run --quiet --unit=probe nc -l -k ${PROBE}`);
    try {
      expect(await port("peter-kafka01", "127.0.0.1", PROBE)).toMatch(/open$/);
      const from = ["peter-zk01", "peter-kafka02", "peter-zk02"]; // zk01 shares its subnet
      const found = await Promise.all(from.map((name) => port(name, "peter-kafka01", PROBE)));
      expect(found).toEqual(from.map((name) => `${name} -> peter-kafka01:${PROBE} closed`));
      expect(await portState(on.publicIp, PROBE)).toBe("closed");
    } finally {
      await on.run("sudo systemctl stop probe");
    }
  });

  const RANGE = [22, 2181, 2888, 3888, 9092, 9094, 9095, 9999, PROBE];
  const openPorts = async (name: string) => {
    const { publicIp } = host(name);
    const states = await Promise.all(RANGE.map((number) => portState(publicIp, number)));
    return RANGE.filter((_, index) => states[index] === "open");
  };

  test("from the machine itself only SSH and Kafka's port for clients are open", async () => {
    expect(await openPorts("peter-kafka01")).toEqual([22, 9094]);
    expect(await openPorts("peter-zk01")).toEqual([22]);
  });

  test("hosts of the lab do not reach the brokers by the port for clients", async () => {
    const from = ["peter-zk01", "peter-kafka02"];
    const found = await Promise.all(from.map((name) => port(name, "peter-kafka01", 9094)));
    expect(found).toEqual(from.map((name) => `${name} -> peter-kafka01:9094 closed`));
  });

  test("ports are closed to addresses outside the allowed blocks, and open again inside", async () => {
    const before = lab.records().map(({ id }) => id);
    // Of the block of public addresses, and never this machine's.
    const other = ["198.18.0.0/32"];
    lab.configure({ sshAllowedCidrs: other, clientAllowedCidrs: other });
    await lab.up();
    expect(await openPorts("peter-kafka02")).toEqual([]);
    lab.configure({});
    await lab.up();
    expect(await openPorts("peter-kafka02")).toEqual([22, 9094]);
    const after = new Set(lab.records().map(({ id }) => id));
    expect(before.filter((id) => !after.has(id) && !id.startsWith("sgr-"))).toEqual([]);
  });
});

describe("the machine", () => {
  test("what listens on it is Pulumi, on the loopback, and while it runs", () => {
    const place = "on tcp 127.0.0.1";
    const programs = ["node", "pulumi", "pulumi-language", "pulumi-resource"];
    expect([...seen.listeners].sort()).toEqual(programs.map((name) => `${name} ${place}`));
    expect([...seen.last]).toEqual([]);
  });

  test("state and key are for their owner alone", async () => {
    expect(statSync(lab.stateDir).mode & 0o777).toBe(0o700);
    expect(statSync(await lab.keyFile()).mode & 0o777).toBe(0o600);
    expect(statSync(lab.cloudStateFile).mode & 0o777).toBe(0o600);
  });
});

describe("secrets", () => {
  test("no private key or user data is printed, on a command line, or in a log", async () => {
    const { privateKey } = await lab.stackOutputs();
    const needles = [...keyLines(privateKey), "PRIVATE KEY-----"];
    const journals = await onAll([...hosts.values()], "sudo journalctl --no-pager --output=cat");
    const logs = lab
      .recordsOf("Instance")
      .map(({ id }) => join(lab.stateDir, "cloud/instances", id, "console.log"))
      .map((file) => readFileSync(file, "utf8"));
    const texts = {
      printed: lab.printed(),
      commandLines: [...seen.commandLines].join("\n"),
      journals: Object.values(journals).join("\n"),
      consoles: logs.join("\n"),
    };
    for (const [where, text] of Object.entries(texts)) {
      expect(text.length, where).toBeGreaterThan(0);
      for (const needle of needles) {
        expect(text.includes(needle), `${where} holds a line of the key`).toBe(false);
      }
    }
  });

  test("the key that logs in is on no host, and each host has its own host key only", async () => {
    const { privateKey } = await lab.stackOutputs();
    const pattern = keyLines(privateKey).join("\n");
    for (const { id } of lab.recordsOf("Instance")) {
      const dir = join(lab.stateDir, "cloud/instances", id, "upper");
      expect(await filesWith(dir, pattern), id).toEqual([]);
    }
    // What is on the volumes is seen from the host. (grep ends with 1: nothing found.)
    const command =
      "sudo grep -rlF -f - /data /run /tmp /dev/shm --exclude-dir=credentials; echo $?";
    const found = await Promise.all(
      [...hosts.values()].map((each) => each.run(command, { input: pattern })),
    );
    expect(found).toEqual([...hosts.values()].map(() => "1\n"));
    const keys = await onAll([...hosts.values()], "cd /etc/ssh && ls ssh_host_*_key");
    expect(keys).toEqual(same([...hosts.keys()], "ssh_host_ed25519_key"));
  });

  test("the state holds secrets encrypted, and a planted one would be found", async () => {
    const { privateKey } = await lab.stackOutputs();
    const lines = keyLines(privateKey).join("\n");
    expect(await filesWith(join(lab.stateDir, "pulumi"), lines)).toEqual([]);
    // The search finds what is there: the file of the key.
    const file = await lab.keyFile();
    expect(await filesWith(file, lines)).toEqual([file]);
    expect(await filesWith(file, randomBytes(32).toString("base64"))).toEqual([]);
  });
});

describe("services", () => {
  const BROKERS = ["peter-kafka01", "peter-kafka02", "peter-kafka03"];
  const zookeeper = () => host("peter-zk01");
  const broker = () => host("peter-kafka01");

  test("are sandboxed: the exposure that systemd finds is no higher than stated", async () => {
    for (const [on, unit] of [
      [broker(), "kafka-server"],
      [zookeeper(), "zookeeper-server"],
    ] as const) {
      const { output } = await on.try(`sudo systemd-analyze security --no-pager ${unit}`);
      const exposure = /Overall exposure level for \S+: ([0-9.]+) /.exec(output)?.[1];
      expect(Number(exposure), output).toBeLessThanOrEqual(EXPOSURE);
    }
  });

  test("have no privilege left: no capability, no new one, and a filter of system calls", async () => {
    for (const [on, unit] of [
      [broker(), "kafka-server"],
      [zookeeper(), "zookeeper-server"],
    ] as const) {
      const command = `grep -E '^(CapBnd|CapEff|NoNewPrivs|Seccomp):' "/proc/$(systemctl show -P MainPID ${unit})/status"`;
      expect(await on.run(`sudo bash -c ${quote(command)}`), unit).toBe(
        "CapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n",
      );
    }
  });

  test("the kernel's settings are there for a host with a kernel of its own", async () => {
    const command = "cat /etc/sysctl.d/60-kafkalab.conf";
    expect(await broker().run(command)).toBe(`${KAFKA_KERNEL}\n`);
    expect(await zookeeper().run(command)).toBe(`${ZOOKEEPER_KERNEL}\n`);
  });

  test("their logs are bounded: journald says by how much", async () => {
    const command = `sudo journalctl -q -b -t systemd-journald -o cat | grep '^System Journal' | tail -n 1`;
    for (const text of Object.values(await onAll([...hosts.values()], command))) {
      expect(text).toMatch(/, max 128\.0M, /);
    }
  });

  test("ZooKeeper answers no four-letter word but those that are allowed", async () => {
    const words = ["ruok", "envi", "dump", "cons", "wchs"];
    const command = `for word in ${words.join(" ")}; do printf $word | nc -w 3 localhost 2181; echo; done`;
    const refused = words
      .slice(1)
      .map((word) => `${word} is not executed because it is not in the`);
    const lines = (await zookeeper().run(command)).split("\n").filter(Boolean);
    expect(lines).toEqual(["imok", ...refused.map((text) => `${text} whitelist.`)]);
  });

  test("a broker that leads a partition hands it over before it stops", async () => {
    const { topic } = await lab.stackOutputs();
    const ask = async (through: string) => {
      const text = await host(through).run(`kcat -L -b localhost:9092 -t ${topic}`);
      const leader = /partition 0, leader (\d),/.exec(text)?.[1];
      return BROKERS[Number(leader) - 1] ?? text;
    };
    const leader = await ask("peter-kafka01");
    const other = BROKERS.find((name) => name !== leader) ?? "";
    await host(leader).run("sudo systemctl stop kafka-server");
    try {
      // At once: no session of ZooKeeper has had to run out.
      expect(BROKERS.filter((name) => name !== leader)).toContain(await ask(other));
      expect(await host(leader).run("systemctl show -P Result kafka-server")).toBe("success\n");
      const log = await host(leader).run("sudo journalctl -q -u kafka-server -o cat -n 300");
      expect(log).toMatch(/Controlled shutdown request returned successfully after \d+ms/);
    } finally {
      await host(leader).run("sudo systemctl start kafka-server");
    }
  });
});

/** The lines of a private key that no other key has. */
function keyLines(pem: string): string[] {
  return pem
    .split("\n")
    .filter((line) => line.length >= 32 && !line.startsWith("-----"))
    .slice(1);
}

async function filesWith(path: string, patterns: string): Promise<string[]> {
  expect(existsSync(path), path).toBe(true);
  const { stdout } = await run(["grep", "-rlF", "-f", "-", path], { input: patterns });
  return stdout.split("\n").filter(Boolean);
}
