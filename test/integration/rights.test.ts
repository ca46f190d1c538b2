import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  booted,
  Cloud,
  hostInit,
  type Plugin,
  type Props,
  type Resource,
} from "../support/local-cloud";
import { must, run, waitFor } from "../support/run";

/*
 * What root on a host may do to the machine and to another lab. Each attempt is also made where it is
 * allowed, so that a refusal is no misspelling. docs/security.md says what is not refused, and why.
 */

const ZONE = "ap-northeast-2a";

/** A lab with its network, for a host and its volume. */
interface Lab {
  cloud: Cloud;
  plugin: Plugin;
  vpc: Resource;
  /** What every host of it is made with. */
  host: Props;
}

async function lab(cidr: string): Promise<Lab> {
  const cloud = new Cloud();
  const plugin = await cloud.plugin();
  const vpc = await plugin.create("aws:ec2/vpc:Vpc", "vpc", { cidrBlock: cidr });
  const vpcId = vpc.id;
  const subnet = await plugin.create("aws:ec2/subnet:Subnet", "subnet", {
    vpcId,
    cidrBlock: cidr.replace(/\/\d+$/, "/24"),
    availabilityZone: ZONE,
    mapPublicIpOnLaunch: true,
  });
  const gateway = await plugin.create("aws:ec2/internetGateway:InternetGateway", "igw", { vpcId });
  const table = await plugin.create("aws:ec2/routeTable:RouteTable", "table", { vpcId });
  await plugin.create("aws:ec2/route:Route", "route", {
    routeTableId: table.id,
    destinationCidrBlock: "0.0.0.0/0",
    gatewayId: gateway.id,
  });
  await plugin.create("aws:ec2/routeTableAssociation:RouteTableAssociation", "association", {
    subnetId: subnet.id,
    routeTableId: table.id,
  });
  const group = await plugin.create("aws:ec2/securityGroup:SecurityGroup", "group", { vpcId });
  const all = { securityGroupId: group.id, ipProtocol: "-1" };
  await plugin.create("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "out", {
    ...all,
    cidrIpv4: "0.0.0.0/0",
  });
  await plugin.create("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "members", {
    ...all,
    referencedSecurityGroupId: group.id,
  });
  const { id: ami } = await plugin.invoke("aws:ec2/getAmi:getAmi", { owners: ["136693071363"] });
  const host = {
    ami,
    instanceType: process.arch === "x64" ? "t3.small" : "t4g.small",
    subnetId: subnet.id,
    vpcSecurityGroupIds: [group.id],
    userData: "#!/bin/sh\nexec touch /var/lib/cloud/instance/ran\n",
  };
  return { cloud, plugin, vpc, host };
}

async function makeHost({ plugin, host }: Lab, name: string): Promise<Resource> {
  const made = await plugin.create("aws:ec2/instance:Instance", name, host);
  await booted(made.id, address(made));
  return made;
}

/** Makes a volume and attaches it to the host. */
async function attach({ plugin }: Lab, host: Resource, name: string, deviceName: string) {
  const volume = await plugin.create("aws:ebs/volume:Volume", name, {
    availabilityZone: ZONE,
    size: 1,
  });
  const attachment = await plugin.create("aws:ec2/volumeAttachment:VolumeAttachment", name, {
    volumeId: volume.id,
    instanceId: host.id,
    deviceName,
  });
  return { volume, attachment };
}

const address = (host: Resource) => host.outs["privateIp"] as string;

/** Runs a script as root of the host: started by its own systemd, and bound as all on it. */
function onHost(host: Resource, script: string) {
  const pid = hostInit(host.id);
  if (pid === undefined) throw new Error(`${host.id} does not run`);
  const enter = ["nsenter", "--target", `${pid}`, "--mount", "--uts", "--ipc", "--net", "--pid"];
  const service = ["systemd-run", "--quiet", "--wait", "--pipe", "--collect", "bash"];
  return run([...enter, ...service], { input: script });
}

const onMachine = (script: string) => run(["bash", "-c", script]);

/** The loop device of a file, as the kernel names it. */
async function loopOf(file: string): Promise<string> {
  const name = await must(["losetup", "--noheadings", "--output", "NAME", "--associated", file]);
  return name.trim().replace("/dev/", "");
}

const volumeFile = ({ cloud }: Lab, { id }: Resource) =>
  join(cloud.stateDir, "cloud/volumes", `${id}.img`);

let own: Lab;
let other: Lab;
let host: Resource;
let neighbour: Resource;
let foreign: Resource;
let volume: Resource;
let foreignVolume: Resource;
/** A disk of the machine. */
const directory = mkdtempSync(join(tmpdir(), "kafkalab-rights-"));
const disk = join(directory, "disk");

beforeAll(async () => {
  writeFileSync(disk, "");
  truncateSync(disk, 2 ** 20);
  await must(["losetup", "--find", disk]);
  [own, other] = await Promise.all([lab("10.81.0.0/16"), lab("10.82.0.0/16")]);
  [host, neighbour, foreign] = await Promise.all([
    makeHost(own, "host"),
    makeHost(own, "neighbour"),
    makeHost(other, "foreign"),
  ]);
  ({ volume } = await attach(own, host, "data", "/dev/sdf"));
  ({ volume: foreignVolume } = await attach(other, foreign, "data", "/dev/sdf"));
});

afterAll(async () => {
  await Promise.all([own.cloud.dispose(), other.cloud.dispose()]);
  await must(["losetup", "--detach", `/dev/${await loopOf(disk)}`]);
  rmSync(directory, { recursive: true });
});

test("root on a host has these capabilities", async () => {
  const question = "sed -n 's/^CapBnd:\t//p' /proc/self/status";
  const [here, machine] = await Promise.all([onHost(host, question), onMachine(question)]);
  expect(capabilities(here.stdout)).toEqual(
    [
      "chown", "dac_override", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap",
      "net_bind_service", "net_admin", "net_raw", "sys_chroot", "sys_ptrace", "sys_admin",
      "sys_boot", "sys_resource", "audit_write", "audit_control", "setfcap",
    ].filter((name) => capabilities(machine.stdout).includes(name)),
  ); // prettier-ignore
});

/** The names of the capabilities of a set, which the kernel writes as a number. */
function capabilities(set: string): string[] {
  const bits = BigInt(`0x${set.trim()}`);
  return Array.from(bits.toString(2), Number)
    .reverse()
    .flatMap((bit, number) => (bit === 1 ? [CAPABILITIES[number] ?? `${number}`] : []));
}

/** By number: capabilities(7). */
const CAPABILITIES = [
  "chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid",
  "setpcap", "linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw",
  "ipc_lock", "ipc_owner", "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct",
  "sys_admin", "sys_boot", "sys_nice", "sys_resource", "sys_time", "sys_tty_config", "mknod",
  "lease", "audit_write", "audit_control", "setfcap", "mac_override", "mac_admin", "syslog",
  "wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf", "checkpoint_restore",
]; // prettier-ignore

test("system calls that reach the machine's kernel are refused", async () => {
  // By the number that each has on x86_64 and on aarch64.
  const calls: [string, [number, number], string][] = [
    ["open_by_handle_at", [304, 265], "-1, 0, 0"],
    ["bpf", [321, 280], "0, 0, 0"],
    ["perf_event_open", [298, 241], "0, 0, -1, -1, 0"],
    ["keyctl", [250, 219], "0, -4, 0"],
    ["add_key", [248, 217], "0, 0, 0, 0, -4"],
    ["init_module", [175, 105], "0, 0, $none"],
    ["finit_module", [313, 273], "-1, $none, 0"],
    ["delete_module", [176, 106], "$none, 0"],
    ["kexec_load", [246, 104], "0, -1, 0, 0"],
    ["swapon", [167, 224], "$none, 0"],
    ["acct", [163, 89], "$none"],
    ["syslog", [103, 116], "10, 0, 0"],
    ["settimeofday", [164, 170], "0, 0"],
    ["clock_settime", [227, 112], "0, 0"],
    ["fanotify_init", [300, 262], "0, 0"],
    ["quotactl", [179, 60], "0, 0, 0, 0"],
  ];
  const lines = calls.map(
    ([name, numbers, parameters]) =>
      `$! = 0; syscall(${numbers[process.arch === "x64" ? 0 : 1]}, ${parameters}); print "${name}\n" if $!{EPERM};`,
  );
  const script = `perl -e 'my $none = "/kafkalab-none"; ${lines.join(" ")}'`;
  const names = calls.map(([name]) => `${name}\n`);
  expect((await onHost(host, script)).output).toBe(names.join(""));
  expect((await onMachine(script)).output).toBe("");
});

describe("what changes the machine is refused", () => {
  test.each<[string, string, RegExp]>([
    ["its clock", "date -s @$(date +%s)", /Operation not permitted/],
    ["its kernel's log", "dmesg", /Operation not permitted/],
    ["its kernel's settings", "sysctl -w vm.swappiness=$(sysctl -n vm.swappiness)", /Read-only|ignored|denied/],
    ["what it runs when a program crashes", "cat /proc/sys/kernel/core_pattern >/root/x && cat /root/x >/proc/sys/kernel/core_pattern", /Read-only file system/],
    ["its processors' time", "renice -n -5 $$", /Permission denied|Operation not permitted/],
    ["files that nobody can remove", "touch /root/x && chattr +i /root/x", /Operation not permitted/],
  ])("%s", async (_, script, reason) => {
    const { status, output } = await onHost(host, script);
    expect(output).toMatch(reason);
    expect(status).not.toBe(0);
  }); // prettier-ignore
});

describe("devices", () => {
  /** Opens by their numbers, as root: those that it can open. */
  const open = (names: string[]) =>
    `mount -t devtmpfs devtmpfs /mnt && cd /mnt && for name in ${names.join(" ")}; do
       head -c 1 "$name" >/dev/null 2>&1 && echo "$name"; done; cd /; umount /mnt`;
  const opens = async (by: Resource, names: string[]) =>
    (await onHost(by, open(names))).stdout.split("\n").filter(Boolean);

  const KEPT =
    /^(loop\d+|loop-control|[sv]d[a-z]+\d*|nvme\d+n\d+|dm-\d+|zram\d+|mem|port|kmsg|kvm|fuse)$/;
  const rules = existsSync("/run/systemd/system") || existsSync("/sys/fs/cgroup/devices");

  test("nodes of them cannot be made, pipes can", async () => {
    const made = await onHost(host, "mknod /root/disk b 7 0");
    expect(made.output).toContain("Operation not permitted");
    expect((await onHost(host, "mknod /root/pipe p")).status).toBe(0);
  });

  test.runIf(rules)(
    "of the machine and of other labs cannot be opened, the host's own can",
    async () => {
      const names = readdirSync("/dev").filter((name) => KEPT.test(name));
      const mine = await loopOf(volumeFile(own, volume));
      const theirs = await loopOf(volumeFile(other, foreignVolume));
      expect(names).toEqual(expect.arrayContaining([mine, theirs, await loopOf(disk)]));
      expect(await opens(host, names)).toEqual([mine]);
      expect(await opens(foreign, names)).toEqual([theirs]);
      expect((await onMachine(`head -c 1 /dev/${await loopOf(disk)} >/dev/null`)).status).toBe(0);
    },
  );

  test.runIf(rules)("can be opened while they are attached, over a reboot as well", async () => {
    const added = await attach(own, host, "more", "/dev/sdg");
    const loops = [volume, added.volume].map((each) => loopOf(volumeFile(own, each)));
    const [first = "", second = ""] = await Promise.all(loops);
    expect((await opens(host, [first, second])).sort()).toEqual([first, second].sort());
    const nodes = await onHost(host, "stat -L -c '%a %U %G' /dev/disk/by-id/nvme-*");
    expect(nodes.stdout).toBe("660 root disk\n660 root disk\n");

    const before = hostInit(host.id);
    await onHost(host, "systemctl reboot").catch(() => undefined);
    await waitFor("the host", "rebooted", 60, () => {
      const now = hostInit(host.id);
      return now !== undefined && now !== before ? { now } : `systemd as process ${now}`;
    });
    await booted(host.id, address(host));
    const disks = [first, second, await loopOf(disk)];
    expect((await opens(host, disks)).sort()).toEqual([first, second].sort());

    // It is bound now, since it was there at boot. Its mount point is a name that shells take apart.
    const place = shell(`/srv/"; touch /root/x; '$HOME`);
    const device = `/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${added.volume.id.replace("-", "")}`;
    const mounts = "grep -c /srv/ /proc/self/mountinfo";
    const mount = `mkdir -p ${place} && mkfs.ext4 -q ${device} && mount ${device} ${place} && ${mounts}`;
    expect((await onHost(host, mount)).output).toBe("1\n");
    await expect(own.plugin.delete(added.attachment)).rejects.toThrow("IncorrectState");
    await own.plugin.delete(await own.plugin.update(added.attachment, { forceDetach: true }));
    expect((await onHost(host, mounts)).stdout).toBe("0\n");
    expect(await opens(host, [first, second])).toEqual([first]);
    expect((await onHost(host, "ls /dev/nvme*")).stdout).toBe("/dev/nvme1n1\n");
    await own.plugin.delete(added.volume);
  });

  test.runIf(existsSync("/sys/fs/cgroup/devices"))(
    "the host cannot give itself others",
    async () => {
      const change = (rule: string) =>
        `mount -t cgroup -o devices cgroup /mnt && echo '${rule}' >/mnt/devices.allow; s=$?; umount /mnt; exit $s`;
      expect((await onHost(host, change("b 7:* rw"))).output).toContain("Operation not permitted");
      expect((await onHost(host, change("c 1:3 rw"))).status).toBe(0); // it has this one
    },
  );
});

describe("processes and files", () => {
  let marked: ChildProcess;
  beforeAll(() => {
    marked = spawn("sleep", ["31536001"]);
  });
  afterAll(() => {
    marked.kill();
  });

  // The brackets keep the search from finding itself.
  const search = "grep -lsa '^sleep.3153600[1]' */cmdline";

  test("of the machine are not seen, in a view of processes of its own either", async () => {
    expect((await onMachine(`cd /proc && ${search}`)).stdout).toBe(`${marked.pid}/cmdline\n`);
    for (const script of [`cd /proc`, `mount -t proc proc /mnt && cd /mnt`]) {
      expect((await onHost(host, `${script} && ${search}`)).stdout).toBe("");
    }
    await onHost(host, "umount /mnt");
  });

  test("of the machine are not written: what it shows to hosts is read-only", async () => {
    const shown = await onHost(host, "touch /run/host/incoming/x /run/host/x");
    expect(shown.output.match(/Read-only file system/g)).toHaveLength(2);
  });

  test("no process of a host has the id of a user of the machine, but root's", async () => {
    const ids = (file: string) =>
      readFileSync(file, "utf8").split("\n").filter(Boolean).map((line) => line.split(":")[2]);
    const machine = new Set(ids("/etc/passwd"));
    const { stdout } = await onHost(host, "ps -e -o uid= | sort -u");
    const running = stdout.split("\n").map((line) => line.trim()).filter(Boolean);
    expect(running.length).toBeGreaterThan(2); // systemd's own users among them
    expect(running.filter((id) => machine.has(id))).toEqual(["0"]);
  }); // prettier-ignore

  test.each([
    ["useradd --system made", "1700000"],
    ["adduser --quiet --system made", "1700000"],
    ["echo 'u made - -' | systemd-sysusers -", "1700000"],
    ["echo 'u made - -' >/etc/sysusers.d/made.conf; systemd-sysusers; rm /etc/sysusers.d/made.conf", "1700000"],
    ["useradd made", "59"],
    ["adduser --quiet --disabled-password --gecos '' --no-create-home made", "59"],
  ])("users that are made later have such ids, too: %s", async (command, prefix) => {
    const { stdout } = await onHost(neighbour, `(${command}) >&2; id -u made; userdel made >&2`);
    expect(stdout).toMatch(new RegExp(`^${prefix}\\d{3}\n$`));
  }); // prettier-ignore
});

describe("networks", () => {
  /** Says when the name service had taken a connection: never, if it says 0. */
  const asks = (router: string, from: string) =>
    `curl -s -m 2 --interface ${from} -o /dev/null -w '%{time_connect}' telnet://${router}:53 </dev/null`;
  const taken = ({ stdout }: { stdout: string }) => Number(stdout) > 0;

  /** Whether what answers there is the test's own server. */
  const reaches = async (to: string, port: number) =>
    (await onHost(host, `timeout 2 bash -c 'cat </dev/tcp/${to}/${port}'`)).stdout === HELLO;
  const HELLO = "here is the test's server";
  const link = ({ vpc }: Lab) => `kl-${vpc.id.slice(4, 16)}`;
  const machineEnd = async (of: Lab) =>
    /inet ([0-9.]+)/.exec(await must(["ip", "-4", "addr", "show", link(of)]))?.[1] ?? "";

  async function listening<T>(on: string, action: (port: number) => Promise<T>): Promise<T> {
    const server = createServer((socket) => socket.end(HELLO)).listen(0, on);
    await once(server, "listening");
    try {
      return await action((server.address() as AddressInfo).port);
    } finally {
      server.close();
    }
  }

  test("the machine's loopback and its end of the link are closed; what it reaches is not", async () => {
    const [near, far] = await Promise.all([machineEnd(own), machineEnd(other)]);
    expect(await listening(far, (port) => reaches(far, port))).toBe(true);
    expect(await listening(near, (port) => reaches(near, port))).toBe(false);
    for (const gateway of ["198.19.255.2", "127.0.0.1"]) {
      expect(await listening("127.0.0.1", (port) => reaches(gateway, port)), gateway).toBe(false);
    }
  });

  test("a host of another lab is out of reach", async () => {
    const serve = `cat >/root/serve <<'PERL'
      use IO::Socket::INET;
      my $server = IO::Socket::INET->new(Listen => 5, LocalPort => 7777) or die;
      while (my $client = $server->accept) { print $client "${HELLO}"; close $client }
PERL
      systemd-run --quiet --unit=listener perl /root/serve`;
    expect((await onHost(neighbour, serve)).output).toBe("");
    expect((await onHost(foreign, serve)).output).toBe("");
    await waitFor("the neighbour's port", "open", 10, async () =>
      (await reaches(address(neighbour), 7777)) ? {} : "closed",
    );
    expect(await reaches(address(foreign), 7777)).toBe(false);
    expect(await reaches(foreign.outs["publicIp"] as string, 7777)).toBe(false);
  });

  test("a host sends from its own addresses only: no other, and not the neighbour's", async () => {
    const mine = address(host);
    const router = mine.replace(/\d+$/, "1");
    const hardware = (await onHost(host, "ip -br link show ens5")).stdout.split(/\s+/)[2] ?? "";
    const withAddress = (other: string) =>
      [
        `ip address add ${other}/24 dev ens5`,
        other,
        `ip address delete ${other}/24 dev ens5`,
      ] as const;
    const attempts = [
      ["", mine, ""],
      withAddress(mine.replace(/\d+$/, "99")),
      withAddress(address(neighbour)),
      ["ip link set ens5 address 0a:00:00:00:00:99", mine, `ip link set ens5 address ${hardware}`],
      ["", mine, ""],
    ] as const;
    const found = [];
    for (const [before, from, after] of attempts) {
      // So that it tells the router whom it takes itself for.
      const script = [before, "ip neigh flush dev ens5", asks(router, from), after].join("\n");
      found.push(taken(await onHost(host, script)));
    }
    expect(found).toEqual([true, false, false, false, true]);
  });

  test("in the VPC nothing listens but its name service, DHCP and the mirror", async () => {
    const argv = ["ip", "netns", "exec", `kafkalab-${own.vpc.id}`, "ss", "-Hlntup"];
    const lines = (await must(argv)).split("\n").filter(Boolean);
    const found = lines.map((line) => {
      const [protocol, , , , local] = line.split(/\s+/);
      return `${protocol} ${local} ${/"(.*?)"/.exec(line)?.[1]}`;
    });
    const names = ["127.0.0.1", "169.254.169.252", "169.254.169.253", "10.81.0.1", "10.81.0.2"];
    expect(found.sort()).toEqual(
      [
        "tcp 169.254.169.252:80 busybox",
        "udp 0.0.0.0:67 dnsmasq",
        ...names.flatMap((name) => ["tcp", "udp"].map((kind) => `${kind} ${name}:53 dnsmasq`)),
      ].sort(),
    );
  });
});

describe("what runs for a VPC on the machine", () => {
  test("has no more rights than it needs", async () => {
    const pids = (await must(["pgrep", "-f", own.vpc.id])).split("\n").filter(Boolean);
    const found = pids.map((pid) => {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const field = (name: string) => new RegExp(`^${name}:\t(\\S+)`, "m").exec(status)?.[1] ?? "";
      const names = capabilities(field("CapPrm"));
      return `${field("Name")}: ${field("Uid") === "0" ? "root" : "another"}: ${names.join()}`;
    });
    expect(found.sort()).toEqual([
      "busybox: another: dac_read_search,net_bind_service",
      "dnsmasq: another: net_bind_service,net_admin",
      "slirp4netns: root: net_bind_service",
    ]);
  });

  test("the plugin listens on the loopback only", async () => {
    const { pid } = own.plugin.process;
    const lines = (await must(["ss", "-H", "-l", "-n", "-t", "-p"])).split("\n");
    const found = lines
      .filter((line) => line.includes(`pid=${pid},`))
      .map((l) => l.split(/\s+/)[3]);
    expect(found).toEqual([expect.stringMatching(/^127\.0\.0\.1:\d+$/)]);
  });
});

const shell = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
