import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Hosts } from "../../cli/hosts/hosts";
import type { Stack } from "../../cli/lib/stack";

/** A resource of a stack, as `pulumi stack export` tells of it. */
type Resource = Record<string, unknown>;

interface HostState {
  name: string;
  privateIp: string;
  /** What Pulumi has of the instance. */
  instance: { id: string; publicIp: string };
  /** What the component noted, if it came so far. */
  noted?: { instanceId: string; instanceIp: string; publicIp: string; hostKey: string };
  /** The elastic address that is associated with it. */
  elasticIp?: string;
  /** Marks of the instance, such as `delete`. */
  marks?: Resource;
}

const KAFKA = {
  name: "peter-kafka01",
  privateIp: "10.20.0.10",
  instance: { id: "i-1", publicIp: "198.18.0.1" },
};
const NOTED = {
  instanceId: "i-1",
  instanceIp: "198.18.0.1",
  publicIp: "198.18.0.1",
  hostKey: "ssh-ed25519 NOTED",
};
const ZOOKEEPER = {
  name: "peter-zk01",
  privateIp: "10.20.0.4",
  instance: { id: "i-2", publicIp: "" },
};
const BASTION = {
  name: "peter-bastion01",
  privateIp: "10.20.0.200",
  // Nothing listens there.
  instance: { id: "i-3", publicIp: "127.11.13.17" },
};

let scratch: string;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'kafkalab 100%h "access\\" '));
});

afterEach(() => {
  rmSync(scratch, { recursive: true });
});

const urn = (name: string) => `urn:pulumi:test::kafkalab::any::${name}`;
const secret = (value: unknown) => ({
  "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
  plaintext: JSON.stringify(value),
});

function child(parent: string, type: string, name: string, rest: Resource): Resource {
  return { urn: urn(`${parent}-${name}`), type, parent: urn(parent), custom: true, ...rest };
}

function resourcesOf({
  name,
  privateIp,
  instance,
  noted,
  elasticIp,
  marks,
}: HostState): Resource[] {
  const association = "aws:ec2/eipAssociation:EipAssociation";
  return [
    ...(elasticIp === undefined
      ? []
      : [child(name, association, "address", { outputs: { publicIp: elasticIp } })]),
    { urn: urn(name), type: "kafkalab:index:Host", outputs: noted },
    child(name, "tls:index/privateKey:PrivateKey", "host-key", {
      outputs: {
        publicKeyOpenssh: `ssh-ed25519 ${name}\n`,
        privateKeyOpenssh: secret(`PRIVATE ${name}\n`),
      },
    }),
    child(name, "aws:ec2/instance:Instance", "instance", {
      id: instance.id,
      inputs: { tags: { Name: name } },
      outputs: { privateIp, publicIp: instance.publicIp },
      ...marks,
    }),
    child(name, "aws:route53/record:Record", "pointer", {
      inputs: { type: "PTR", name: "10.0.20.10.in-addr.arpa" },
    }),
    child(name, "aws:route53/record:Record", "record", {
      inputs: { type: "A", name: `${name}.foo.bar` },
    }),
  ];
}

function stackOf(hosts: HostState[]): Resource[] {
  return [
    { urn: urn("stack"), type: "pulumi:pulumi:Stack", outputs: { hosts: {} } },
    { urn: urn("key"), type: "kafkalab:index:KeyPair", parent: urn("stack") },
    child("key", "tls:index/privateKey:PrivateKey", "key", {
      outputs: {
        publicKeyOpenssh: "ssh-ed25519 LOGIN\n",
        privateKeyOpenssh: secret("PRIVATE LOGIN\n"),
      },
    }),
    child("key", "aws:ec2/keyPair:KeyPair", "pair", { id: "kafkalab-test" }),
    ...hosts.flatMap(resourcesOf),
  ];
}

/** Puts a program on the PATH of the next run. */
function fake(name: string, script: string): void {
  writeFileSync(join(scratch, name), `#!/bin/bash\n${script}`);
  chmodSync(join(scratch, name), 0o755);
}

/** What `ip route get` prints for the addresses of hosts: by the lab's link, or by the way out. */
const LINKED = "198.18.0.1 via 198.18.0.2 dev kl-0123456789ab src 198.18.0.1";
const LEAVING = "198.18.0.1 via 192.0.2.1 dev eth0 src 192.0.2.2";

/** The functions of the commands, which know the state directory from when they are loaded. */
async function load() {
  vi.resetModules();
  const { Refusal } = await import("../../cli/lib/refusal.js");
  const files = await import("../../cli/hosts/access-files.js");
  const { sshConfig } = await import("../../cli/hosts/ssh-config.js");
  const { labStatus } = await import("../../cli/status/gather.js");
  const { renderStatus } = await import("../../cli/status/render.js");
  return { Refusal, ...files, sshConfig, labStatus, renderStatus };
}

type Functions = Awaited<ReturnType<typeof load>>;
type Work = (functions: Functions, stack: Stack) => Promise<string | undefined | number>;

/** Runs functions of the commands on a stack with these hosts, as a command does. */
async function run(
  hosts: HostState[],
  work: Work,
  target: Stack["target"] = "local",
  route = LINKED,
) {
  fake("ip", `[ "$1 $2 $3" = "-4 route get" ] && echo "${route}"`);
  const file = join(scratch, "export.json");
  writeFileSync(file, JSON.stringify({ version: 3, deployment: { resources: stackOf(hosts) } }));
  fake(
    "pulumi",
    `[ "$*" = "stack export --stack test --show-secrets" ] && cat "\${0%/*}/export.json"`,
  );
  vi.stubEnv("PATH", `${scratch}:${path}`);
  vi.stubEnv("HOME", scratch);
  vi.stubEnv("TMPDIR", scratch);
  vi.stubEnv("XDG_STATE_HOME", "");
  vi.stubEnv("KAFKALAB_STATE", join(scratch, "state"));
  const functions = await load();
  try {
    const result = await work(functions, { name: "test", target });
    const stdout = typeof result === "string" ? result : "";
    return { status: typeof result === "number" ? result : 0, stdout, stderr: "" };
  } catch (error) {
    if (!(error instanceof functions.Refusal)) {
      throw error;
    }
    return { status: 1, stdout: "", stderr: `${error.text}\n` };
  } finally {
    vi.unstubAllEnvs();
  }
}

const path = process.env.PATH;

/** Writes the files of the access, and returns the configuration that `ssh-config` prints. */
const printConfig: Work = async ({ writeAccess, sshConfig, accessDir }, stack) =>
  sshConfig(await writeAccess(stack), accessDir(stack), stack.target);

const makeAccess: Work = async ({ writeAccess }, stack) => {
  await writeAccess(stack);
  return undefined;
};

const checkRoute: Work = async (functions, stack) => {
  await functions.checkRoute(await functions.writeAccess(stack), stack);
  return undefined;
};

const checkHost =
  (name: string): Work =>
  async ({ writeAccess, hostNamed }, stack) => {
    hostNamed(name, await writeAccess(stack), stack);
    return undefined;
  };

async function hostsOf(states: HostState[]): Promise<Hosts> {
  let hosts: Hosts = {};
  await run(states, async ({ writeAccess }, stack) => {
    hosts = await writeAccess(stack);
    return undefined;
  });
  return hosts;
}

/** What `status` prints and returns. */
async function runStatus(hosts: HostState[], route = LINKED) {
  let status = 1;
  const { stdout } = await run(
    hosts,
    async ({ labStatus, renderStatus }, stack) => {
      const found = await labStatus(stack);
      status = found.well ? 0 : 1;
      return `${renderStatus(found, false)}\n`;
    },
    "local",
    route,
  );
  return { status, stdout };
}

/** As a configuration of OpenSSH has it. */
const inConfig = (path: string) =>
  `"${path.replaceAll("%", "%%").replaceAll(/[\\"]/g, String.raw`\$&`)}"`;

/** What `ssh` makes of the configuration that the scripts wrote, option by option. */
function effective(access: string, host: string): Record<string, string> {
  const { stdout } = spawnSync("ssh", ["-G", "-F", join(access, "config"), host]);
  return Object.fromEntries(
    stdout
      .toString()
      .split("\n")
      .map((line) => [line.split(" ")[0], line.split(" ").slice(1).join(" ")]),
  ) as Record<string, string>;
}

test("key, pinned keys and configuration are files that nobody else can read", async () => {
  const access = join(scratch, "state/ssh/test");
  const umask = process.umask(0);
  mkdirSync(access, { recursive: true });
  const { status, stdout } = await run([{ ...KAFKA, noted: NOTED }], printConfig);
  process.umask(umask);
  expect(status).toBe(0);
  expect(readdirSync(access).sort()).toEqual(["config", "key", "known_hosts"]);
  expect(statSync(access).mode & 0o777).toBe(0o700);
  for (const name of readdirSync(access)) {
    expect(statSync(join(access, name)).mode & 0o777, name).toBe(0o600);
  }
  expect(readFileSync(join(access, "key"), "utf8")).toBe("PRIVATE LOGIN\n");
  expect(readFileSync(join(access, "known_hosts"), "utf8")).toBe(
    "peter-kafka01 ssh-ed25519 NOTED\n",
  );
  expect(stdout).toBe(`Host peter-kafka01 peter-kafka01.foo.bar
  HostName 198.18.0.1
  User ec2-user
  IdentityFile ${inConfig(`${access}/key`)}
  IdentitiesOnly yes
  BatchMode yes
  UserKnownHostsFile ${inConfig(`${access}/known_hosts`)}
  GlobalKnownHostsFile /dev/null
  HostKeyAlias peter-kafka01
  StrictHostKeyChecking yes
  ConnectTimeout 5
  ServerAliveInterval 15

Match originalhost peter-kafka01,peter-kafka01.foo.bar !exec "ip -4 route get %h | grep -q ' dev kl-'"
  ProxyCommand sh -c 'echo "kafkalab: no link of this machine leads to the hosts, for example because it was restarted. Run: npm run up" >&2; exit 1'
Match originalhost peter-kafka01,peter-kafka01.foo.bar
  ProxyCommand none

`);
  expect(readFileSync(join(access, "config"), "utf8")).toBe(stdout);
});

describe("without the lab's link nothing dials a host", () => {
  const GONE =
    "kafkalab: no link of this machine leads to the hosts, for example because it was restarted.";
  // ssh dials what listens here, if it dials at all.
  const LOCAL = { ...KAFKA, instance: { id: "i-1", publicIp: "127.11.13.17" } };
  const access = () => join(scratch, "state/ssh/test");
  const ssh = (host: string, route: string) => {
    fake("ip", `[ "$4" = 127.11.13.17 ] && echo "${route}"`);
    const { stderr } = spawnSync("ssh", ["-v", "-F", "config", host], {
      cwd: access(),
      env: { ...process.env, PATH: `${scratch}:${process.env.PATH}` },
    });
    return stderr.toString();
  };

  test.each(["peter-kafka01", "peter-kafka01.foo.bar"])(
    "ssh of the user's own: %s",
    async (name) => {
      await run(
        [LOCAL, { ...ZOOKEEPER, instance: { id: "i-2", publicIp: "127.11.13.18" } }],
        makeAccess,
      );
      const linked = ssh(name, LINKED);
      expect(linked).toMatch(/Connecting to 127\.11\.13\.17 /);
      expect(linked).not.toContain("kafkalab:");
      for (const route of [LEAVING, ""]) {
        const gone = ssh(name, route);
        expect(gone).toContain(`${GONE} Run: npm run up\n`);
        expect(gone).not.toContain("Connecting to");
      }
    },
  );

  test("ssh through the bastion", async () => {
    await run([ZOOKEEPER, BASTION], makeAccess);
    expect(ssh("peter-zk01", LINKED)).toMatch(/Connecting to 127\.11\.13\.17 /);
    const gone = ssh("peter-zk01", LEAVING);
    expect(gone).toContain(`${GONE} Run: npm run up\n`);
    expect(gone).not.toContain("Connecting to");
  });

  test("these commands", async () => {
    const { status, stderr } = await run([KAFKA], checkRoute, "local", LEAVING);
    expect(stderr).toBe(`${GONE}\n  Run: npm run up\n`);
    expect(status).toBe(1);
  });

  test("status", async () => {
    fake("ssh", "echo dialled >&2");
    const { status, stdout } = await runStatus([KAFKA, ZOOKEEPER], LEAVING);
    expect(stdout).toMatch(
      /^peter-kafka01 .* down .* no link of this machine leads there; run: npm run up$/m,
    );
    expect(stdout).toMatch(/^peter-zk01 .* stopped$/m);
    expect(status).toBe(1);
  });

  test.each<[string, HostState[], Stack["target"]]>([
    ["on AWS", [KAFKA], "aws"],
    ["while all are stopped", [ZOOKEEPER], "local"],
  ])("%s there is no link", async (_, hosts, target) => {
    expect((await run(hosts, checkRoute, target, LEAVING)).status).toBe(0);
  });
});

describe("the address is the latest that the state knows", () => {
  const KEY = "ssh-ed25519 peter-kafka01";

  test.each<[string, Partial<HostState>, string | undefined, string]>([
    ["after an up that went well", { noted: NOTED }, "198.18.0.1", NOTED.hostKey],
    ["after a first up that failed", {}, "198.18.0.1", KEY],
    [
      "after a pause: the program has looked, Pulumi's instance is as of old",
      { noted: { ...NOTED, publicIp: "198.18.0.2" } },
      "198.18.0.2",
      NOTED.hostKey,
    ],
    [
      "after a failed up that started the instance again, or a refresh",
      { noted: { ...NOTED, instanceIp: "198.18.0.3", publicIp: "198.18.0.2" } },
      "198.18.0.1",
      NOTED.hostKey,
    ],
    [
      "with an elastic address, before the first up has ended",
      { elasticIp: "198.18.9.1" },
      "198.18.9.1",
      KEY,
    ],
    [
      "with an elastic address that a failed up has given it",
      { noted: NOTED, elasticIp: "198.18.9.1" },
      "198.18.9.1",
      NOTED.hostKey,
    ],
    [
      "stopped, with an elastic address",
      { noted: { ...NOTED, publicIp: "" }, elasticIp: "198.18.9.1" },
      undefined,
      NOTED.hostKey,
    ],
    [
      "after a failed up that replaced the instance",
      { noted: { ...NOTED, instanceId: "i-0", publicIp: "198.18.0.2" } },
      "198.18.0.1",
      KEY,
    ],
  ])("%s", async (_, state, address, hostKey) => {
    const [host] = Object.values(await hostsOf([{ ...KAFKA, ...state }]));
    expect({ address: host?.address, hostKey: host?.hostKey }).toEqual({ address, hostKey });
  });

  test.each([{ delete: true }, { pendingReplacement: true }])(
    "an instance that is gone, or about to be, is no host: %o",
    async (marks) => {
      expect(Object.keys(await hostsOf([{ ...KAFKA, marks }, ZOOKEEPER]))).toEqual(["peter-zk01"]);
    },
  );
});

describe("hosts without a public address", () => {
  const access = () => join(scratch, "state/ssh/test");

  test("are reached through the bastion, whose key is pinned as well", async () => {
    expect((await run([ZOOKEEPER, BASTION], makeAccess)).status).toBe(0);
    expect(readFileSync(join(access(), "known_hosts"), "utf8")).toBe(
      "peter-bastion01 ssh-ed25519 peter-bastion01\npeter-zk01 ssh-ed25519 peter-zk01\n",
    );
    const pins = {
      user: "ec2-user",
      userknownhostsfile: `${access()}/known_hosts`,
      globalknownhostsfile: "/dev/null",
      stricthostkeychecking: "true",
      identityfile: `${access().replace("%", "%%")}/key`, // ssh expands it when it opens the file

      identitiesonly: "yes",
    };
    const zookeeper = effective(access(), "peter-zk01.foo.bar");
    expect(zookeeper).toMatchObject(pins);
    expect(zookeeper).toMatchObject({
      hostname: "10.20.0.4",
      hostkeyalias: "peter-zk01",
      proxyjump: "peter-bastion01",
    });
    const bastion = effective(access(), "peter-bastion01");
    expect(bastion).toMatchObject(pins);
    expect(bastion).toMatchObject({ hostname: "127.11.13.17", hostkeyalias: "peter-bastion01" });
    expect(bastion).not.toHaveProperty("proxyjump");

    // The ssh of the way there reads the same file.
    const argv = ["-F", "config", "-v", "peter-zk01"];
    const stderr = spawnSync("ssh", argv, {
      cwd: access(),
      env: { ...process.env, PATH: `${scratch}:${path}` },
    }).stderr.toString();
    expect(stderr).toMatch(/^debug1: Executing proxy command: .* -F config .*peter-bastion01$/m);
    expect(stderr).toMatch(/^debug1: config line \d+: Applying options for peter-bastion01$/m);
    expect(stderr).toMatch(/^debug1: Connecting to 127\.11\.13\.17 /m);
  });

  test("are stopped if there is no bastion, or none with an address", async () => {
    const stopped = { ...BASTION, instance: { id: "i-3", publicIp: "" } };
    for (const hosts of [[ZOOKEEPER], [ZOOKEEPER, stopped]]) {
      expect((await run(hosts, printConfig)).stdout).toBe("");
      const { status, stderr } = await run(hosts, checkHost("peter-zk01"));
      expect(status).toBe(1);
      expect(stderr).toBe(
        "kafkalab: the host peter-zk01 has no address: it or its bastion is stopped.\n" +
          "  Start it with: npm run up (in a lab that is paused, set kafkalab:running to true first)\n",
      );
    }
  });
});

test("on AWS the user's own configuration holds for what the lab's does not say", async () => {
  const access = join(scratch, ".local/state/kafkalab/ssh/test");
  const { stdout } = await run([KAFKA], printConfig, "aws");
  const own = "# For the rest, the user's own configuration.\nHost *\n  Include ~/.ssh/config\n";
  expect(readFileSync(join(access, "config"), "utf8")).toBe(
    `${stdout}${own}  Include /etc/ssh/ssh_config\n`,
  );
  expect(stdout).not.toContain("ProxyCommand");
  // Its home directory is not the one of this test: a stand-in shows what the order does.
  const home = mkdtempSync(join(tmpdir(), "kafkalab-home-"));
  const user = join(home, "config");
  // With the mode that ssh asks for, whatever the umask is.
  const mode = 0o600;
  writeFileSync(user, "Host *\n  ProxyCommand out %h\n  StrictHostKeyChecking no\n", { mode });
  const config = join(access, "config");
  writeFileSync(config, readFileSync(config, "utf8").replace("~/.ssh/config", `"${user}"`));
  expect(effective(access, "peter-kafka01")).toMatchObject({
    proxycommand: "out %h",
    stricthostkeychecking: "true",
  });
  rmSync(home, { recursive: true });
});

test("a host that there is not, and a stack without hosts, are told", async () => {
  const { status, stderr } = await run([KAFKA, ZOOKEEPER], checkHost("peter-kafka02"));
  expect(status).toBe(1);
  expect(stderr).toBe(
    "kafkalab: there is no host peter-kafka02 in the stack test.\n" +
      "  Its hosts: peter-kafka01, peter-zk01\n",
  );
  for (const name of ["peter-kafka01", "peter-kafka01.foo.bar"]) {
    expect((await run([KAFKA], checkHost(name))).status, name).toBe(0);
  }
  const none = await run([], makeAccess);
  expect(none.status).toBe(1);
  expect(none.stderr).toBe(
    "kafkalab: the stack test has no hosts.\n  Make them with: npm run up\n",
  );
});

describe("status", () => {
  const ZK = "up 121\\ndisk 1%%\\nservice zookeeper-server\\nstate active\\nrole leader\\nend\\n";
  const METADATA = {
    controllerid: 1,
    brokers: [{ id: 1, name: "peter-kafka01.foo.bar:9092" }],
    topics: [
      {
        topic: "t",
        partitions: [{ partition: 0, leader: 1, replicas: [{ id: 1 }], isrs: [{ id: 1 }] }],
      },
    ],
  };

  test("shows the bastion as the way in, and leaves no key behind", async () => {
    fake(
      "ssh",
      `case $3 in
        peter-bastion01) printf 'up 185\\ndisk \\nservice -\\nstate not installed\\nend\\n' ;;
        peter-zk01) printf '${ZK}' ;;
        peter-kafka01) printf 'up 60\\ndisk 1%%\\nservice kafka-server\\nstate active\\nmetadata '
          echo '${JSON.stringify(METADATA)}'; echo end ;;
      esac`,
    );
    const { status, stdout } = await runStatus([ZOOKEEPER, BASTION, { ...KAFKA, noted: NOTED }]);
    expect(stdout).toMatch(/^peter-bastion01 +127\.11\.13\.17 +10\.20\.0\.200 .* way in$/m);
    expect(stdout).toMatch(
      /^peter-kafka01 +198\.18\.0\.1 +10\.20\.0\.10 .* broker 1, controller$/m,
    );
    expect(stdout).toMatch(/^peter-zk01 +- +10\.20\.0\.4 .* leader$/m);
    expect(stdout).toMatch(/^t +0 +1 +1 +1$/m);
    expect(status).toBe(0);
    expect(existsSync(join(scratch, "state"))).toBe(false);
    expect(readdirSync(scratch).sort()).toEqual(["export.json", "ip", "pulumi", "ssh"]);
  });

  test("tells a host that is stopped from one that does not answer", async () => {
    fake("ssh", "echo no route >&2; exit 255");
    const { status, stdout } = await runStatus([KAFKA, ZOOKEEPER]);
    expect(stdout).toMatch(/^peter-kafka01 +198\.18\.0\.1 +10\.20\.0\.10 +down .* no route$/m);
    expect(stdout).toMatch(/^peter-zk01 +- +10\.20\.0\.4 +down .* stopped$/m);
    expect(status).toBe(1);
  });
});
