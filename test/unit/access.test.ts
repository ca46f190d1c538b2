import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const SCRIPTS = join(__dirname, "../../scripts/dev");

/** A resource of a stack, as `pulumi stack export` tells of it. */
type Resource = Record<string, unknown>;

interface HostState {
  name: string;
  privateIp: string;
  /** What Pulumi has of the instance. */
  instance: { id: string; publicIp: string };
  /** What the component noted, if it came so far. */
  noted?: { instanceId: string; instanceIp: string; publicIp: string; hostKey: string };
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

function resourcesOf({ name, privateIp, instance, noted, marks }: HostState): Resource[] {
  return [
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

/** Runs lines with the functions of the scripts, on a stack with these hosts. */
function run(hosts: HostState[], lines: string, target = "local", route = LINKED) {
  fake("ip", `[ "$1 $2 $3" = "-4 route get" ] && echo "${route}"`);
  const file = join(scratch, "export.json");
  writeFileSync(file, JSON.stringify({ version: 3, deployment: { resources: stackOf(hosts) } }));
  fake(
    "pulumi",
    `[ "$*" = "stack export --stack test --show-secrets" ] && cat "\${0%/*}/export.json"`,
  );
  const script = `. "$SCRIPTS/lib.sh"; . "$SCRIPTS/access.sh"; . "$SCRIPTS/status.sh"\n${lines}`;
  const { status, stdout, stderr } = spawnSync("bash", ["-c", script], {
    env: {
      ...{ PATH: `${scratch}:${process.env.PATH}`, HOME: scratch, SCRIPTS, TMPDIR: scratch },
      ...{ TSX_DISABLE_CACHE: "1", KAFKALAB_STATE: join(scratch, "state"), target, stack: "test" },
    },
  });
  return { status, stdout: stdout.toString(), stderr: stderr.toString() };
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

test("key, pinned keys and configuration are files that nobody else can read", () => {
  const access = join(scratch, "state/ssh/test");
  const { status, stdout } = run(
    [{ ...KAFKA, noted: NOTED }],
    'umask 0; mkdir -p "$access"; access_make; access_config',
  );
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

  test.each(["peter-kafka01", "peter-kafka01.foo.bar"])("ssh of the user's own: %s", (name) => {
    run(
      [LOCAL, { ...ZOOKEEPER, instance: { id: "i-2", publicIp: "127.11.13.18" } }],
      "access_make",
    );
    const linked = ssh(name, LINKED);
    expect(linked).toMatch(/Connecting to 127\.11\.13\.17 /);
    expect(linked).not.toContain("kafkalab:");
    for (const route of [LEAVING, ""]) {
      const gone = ssh(name, route);
      expect(gone).toContain(`${GONE} Run: npm run up\n`);
      expect(gone).not.toContain("Connecting to");
    }
  });

  test("ssh through the bastion", () => {
    run([ZOOKEEPER, BASTION], "access_make");
    expect(ssh("peter-zk01", LINKED)).toMatch(/Connecting to 127\.11\.13\.17 /);
    const gone = ssh("peter-zk01", LEAVING);
    expect(gone).toContain(`${GONE} Run: npm run up\n`);
    expect(gone).not.toContain("Connecting to");
  });

  test("these scripts", () => {
    const { status, stderr } = run([KAFKA], "access_make; access_route", "local", LEAVING);
    expect(stderr).toBe(`${GONE}\n  Run: npm run up\n`);
    expect(status).toBe(1);
  });

  test("status", () => {
    fake("ssh", "echo dialled >&2");
    const { status, stdout } = run([KAFKA, ZOOKEEPER], "status_print", "local", LEAVING);
    expect(stdout).toMatch(
      /^peter-kafka01 .* down .* no link of this machine leads there; run: npm run up$/m,
    );
    expect(stdout).toMatch(/^peter-zk01 .* stopped$/m);
    expect(status).toBe(1);
  });

  test.each<[string, HostState[], string]>([
    ["on AWS", [KAFKA], "aws"],
    ["while all are stopped", [ZOOKEEPER], "local"],
  ])("%s there is no link", (_, hosts, target) => {
    expect(run(hosts, "access_make; access_route", target, LEAVING).status).toBe(0);
  });
});

describe("the address is the latest that the state knows", () => {
  const KEY = "ssh-ed25519 peter-kafka01";

  test.each<[string, Partial<HostState>, string, string]>([
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
      "after a failed up that replaced the instance",
      { noted: { ...NOTED, instanceId: "i-0", publicIp: "198.18.0.2" } },
      "198.18.0.1",
      KEY,
    ],
  ])("%s", (_, state, address, hostKey) => {
    const { stdout } = run(
      [{ ...KAFKA, ...state }],
      'access_make; jq -r ".[] | .address, .hostKey" <<<"$hosts_json"',
    );
    expect(stdout).toBe(`${address}\n${hostKey}\n`);
  });

  test.each([{ delete: true }, { pendingReplacement: true }])(
    "an instance that is gone, or about to be, is no host: %o",
    (marks) => {
      const { stdout } = run(
        [{ ...KAFKA, marks }, ZOOKEEPER],
        'access_make; jq -r "keys[]" <<<"$hosts_json"',
      );
      expect(stdout).toBe("peter-zk01\n");
    },
  );
});

describe("hosts without a public address", () => {
  const access = () => join(scratch, "state/ssh/test");

  test("are reached through the bastion, whose key is pinned as well", () => {
    expect(run([ZOOKEEPER, BASTION], "access_make").status).toBe(0);
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
    const { stderr } = run([ZOOKEEPER, BASTION], "access_make; access_ssh -v peter-zk01");
    expect(stderr).toMatch(/^debug1: Executing proxy command: .* -F config .*peter-bastion01$/m);
    expect(stderr).toMatch(/^debug1: config line \d+: Applying options for peter-bastion01$/m);
    expect(stderr).toMatch(/^debug1: Connecting to 127\.11\.13\.17 /m);
  });

  test("are stopped if there is no bastion, or none with an address", () => {
    const stopped = { ...BASTION, instance: { id: "i-3", publicIp: "" } };
    for (const hosts of [[ZOOKEEPER], [ZOOKEEPER, stopped]]) {
      const { status, stdout, stderr } = run(
        hosts,
        "access_make; access_config; access_check peter-zk01",
      );
      expect(status).toBe(1);
      expect(stdout).toBe("");
      expect(stderr).toBe(
        "kafkalab: the host peter-zk01 has no address: it is stopped, or the host that leads to it is.\n" +
          "  Start it with: npm run up (in a lab that is paused, set kafkalab:running to true first)\n",
      );
    }
  });
});

test("on AWS the user's own configuration holds for what the lab's does not say", () => {
  const access = join(scratch, ".local/state/kafkalab/ssh/test");
  const { stdout } = run([KAFKA], "access_make; access_config", "aws");
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

test("a host that there is not, and a stack without hosts, are told", () => {
  const { status, stderr } = run([KAFKA, ZOOKEEPER], "access_make; access_check peter-kafka02");
  expect(status).toBe(1);
  expect(stderr).toBe(
    "kafkalab: there is no host peter-kafka02 in the stack test.\n" +
      "  Its hosts: peter-kafka01, peter-zk01\n",
  );
  for (const name of ["peter-kafka01", "peter-kafka01.foo.bar"]) {
    expect(run([KAFKA], `access_make; access_check ${name}`).status, name).toBe(0);
  }
  const none = run([], "access_make");
  expect(none.status).toBe(1);
  expect(none.stderr).toBe(
    "kafkalab: the stack test has no hosts.\n  Make them with: npm run up\n",
  );
});

describe("status", () => {
  const REPORT =
    "up 0h02m\\ndisk 1%%\\nservice zookeeper-server\\nstate active\\nrole leader\\nend\\n";

  test("shows the bastion as the way in, and leaves no key behind", () => {
    fake(
      "ssh",
      `case $3 in
        peter-bastion01) printf 'up 0h03m\\ndisk \\nservice -\\nstate not installed\\nend\\n' ;;
        peter-zk01) printf '${REPORT}'; printf 'topic t\\t0\\t1\\t1\\t1\\n' ;;
      esac`,
    );
    const { status, stdout } = run([ZOOKEEPER, BASTION], "status_print");
    expect(stdout.split("\n").map((line) => line.trim().replace(/ +/g, " "))).toEqual([
      "HOST PUBLIC PRIVATE UP SERVICE STATE DISK ROLE",
      "peter-bastion01 127.11.13.17 10.20.0.200 0h03m - - - way in",
      "peter-zk01 - 10.20.0.4 0h02m zookeeper-server active 1% leader",
      "",
      "TOPIC PARTITION LEADER REPLICAS IN SYNC",
      "t 0 1 1 1",
      "",
    ]);
    expect(status).toBe(0);
    expect(existsSync(join(scratch, "state"))).toBe(false);
    expect(readdirSync(scratch).sort()).toEqual(["export.json", "ip", "pulumi", "ssh"]);
  });

  test("tells a host that is stopped from one that does not answer", () => {
    fake("ssh", "echo no route >&2; exit 255");
    const { status, stdout } = run([KAFKA, ZOOKEEPER], "status_print");
    expect(stdout).toMatch(
      /^peter-kafka01 +198\.18\.0\.1 +10\.20\.0\.10 +down +- +- +- +no route$/m,
    );
    expect(stdout).toMatch(/^peter-zk01 +- +10\.20\.0\.4 +down +- +- +- +stopped$/m);
    expect(status).toBe(1);
  });
});
