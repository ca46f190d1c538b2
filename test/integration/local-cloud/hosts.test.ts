import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { daemonPid } from "../../../local-cloud/machine/daemon";
import { Accounts } from "../../support/accounts";
import {
  booted,
  Cloud,
  hostInit,
  hostShell,
  tryHostShell,
  type Plugin,
  type Props,
  type Resource,
} from "../../support/local-cloud";
import { reboot } from "../../support/machine";
import {
  ami,
  fromMachine,
  network,
  routeToNat,
  T,
  textOf,
  ZONE,
  type Network,
} from "../../support/network";
import { must, run, waitFor } from "../../support/run";

/*
 * The hosts of the local cloud, with their networks, volumes and power, through the plugin's own process and
 * protocol. All tests share three hosts of one VPC.
 */

const accounts = new Accounts();

/** The machine's own end of a VPC's uplink. */
async function machineAddress(vpc: Resource): Promise<string> {
  const link = await must(["ip", "-br", "-4", "address", "show", `kl-${vpc.id.slice(4, 16)}`]);
  return link
    .trim()
    .split(/\s+/)[2]!
    .replace(/\/\d+$/, "");
}

describe("hosts", () => {
  const cloud = new Cloud();
  let plugin: Plugin;
  let net: Network;
  let a: Resource;
  let b: Resource;
  /** In a private subnet, whose route table this is. */
  let c: Resource;
  let privateTable: Resource;
  let keyFile: string;

  const address = (host: Resource) => textOf(host, "privateIp");
  /** Whether `from` opens a connection to the port; a dropped one is given up soon. */
  const connects = async (from: Resource, to: string, port: number) =>
    (await tryHostShell(from.id, `timeout 2.5 bash -c '</dev/tcp/${to}/${port}'`)).status === 0;
  /** Whether the machine itself opens a connection. */
  const machineConnects = async (to: string, port: number) =>
    (await run(["timeout", "2.5", "bash", "-c", `</dev/tcp/${to}/${port}`])).status === 0;
  const lookUp = (host: Resource) =>
    plugin.invoke("aws:ec2/getInstance:getInstance", { instanceId: host.id });
  /** The link of the machine's route to an address, or why there is none. */
  const routeTo = async (to: string) => {
    const { status, output } = await run(["ip", "-4", "route", "get", to]);
    return status === 0 ? / dev (\S+)/.exec(output)?.[1] : output.trim();
  };
  const device = (volume: Resource) =>
    `/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${volume.id.replace("-", "")}`;

  beforeAll(async () => {
    plugin = await cloud.plugin();
    keyFile = join(cloud.stateDir, "key");
    await must(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", keyFile]);
    net = await network(plugin, "net");
    const key = await plugin.create(T.keyPair, "key", {
      publicKey: readFileSync(`${keyFile}.pub`, "utf8"),
    });
    const options = await plugin.create(T.dhcpOptions, "net", { domainName: "foo.test" });
    await plugin.create(T.dhcpAssociation, "net", {
      vpcId: net.vpc.id,
      dhcpOptionsId: options.id,
    });
    await plugin.create(T.ingress, "ssh", fromMachine(net.group, 22));
    const vpcId = net.vpc.id;
    const privateSubnet = await plugin.create(T.subnet, "private", {
      vpcId,
      cidrBlock: "10.77.1.0/24",
      availabilityZone: ZONE,
    });
    privateTable = await plugin.create(T.routeTable, "private", { vpcId });
    await plugin.create(T.routeTableAssociation, "private", {
      subnetId: privateSubnet.id,
      routeTableId: privateTable.id,
    });
    const inputs = {
      ami: await ami(plugin),
      instanceType: "t3.small",
      subnetId: net.subnet.id,
      keyName: key.id,
      vpcSecurityGroupIds: [net.group.id],
      userData: "#!/bin/sh\necho ran >>/root/ran\n",
    };
    [a, b, c] = await Promise.all([
      plugin.create(T.instance, "a", {
        ...inputs,
        privateIp: "10.77.0.20",
        associatePublicIpAddress: true,
      }),
      plugin.create(T.instance, "b", inputs),
      plugin.create(T.instance, "c", { ...inputs, subnetId: privateSubnet.id }),
    ]);
    await Promise.all([a, b, c].map((host) => booted(host.id, address(host))));
    await hostShell(b.id, "systemd-run --quiet --unit=listener nc -lk 9092");
  });
  afterAll(() => accounts.finish(cloud));

  test("get their address in a subnet made anew, although it is leased to another host", async () => {
    for (const name of ["former", "later"]) {
      const subnet = await plugin.create(T.subnet, name, {
        ...{ vpcId: net.vpc.id, cidrBlock: "10.77.9.0/24", availabilityZone: ZONE },
      });
      const host = await plugin.create(T.instance, name, {
        ...{ ami: await ami(plugin), instanceType: "t3.small", subnetId: subnet.id },
        ...{ privateIp: "10.77.9.20", vpcSecurityGroupIds: [net.group.id] },
      });
      await booted(host.id, address(host));
      await plugin.delete(host);
      await plugin.delete(subnet);
    }
  });

  test("have AWS's outputs, and no difference from what was asked for", async () => {
    expect(a.id).toMatch(/^i-[0-9a-f]{17}$/);
    expect(a.outs).toMatchObject({
      privateIp: "10.77.0.20",
      privateDns: "ip-10-77-0-20.ap-northeast-2.compute.internal",
      availabilityZone: ZONE,
      instanceState: "running",
      publicIp: expect.stringMatching(/^198\.1[89]\.\d+\.\d+$/) as string,
    });
    expect(b.outs).toMatchObject({ privateIp: "10.77.0.4" });
    expect(await plugin.diff(a)).toMatchObject({ changes: false });
    expect(await plugin.read(a)).toEqual(a);
    const asked = { userData: "#!/bin/sh\n" };
    expect(await plugin.diff(a, asked)).toMatchObject({ replaces: [] });
    expect(await plugin.diff(a, { ...asked, userDataReplaceOnChange: true })).toMatchObject({
      replaces: ["userData"],
    });
    for (const change of [{ ami: "ami-0" }, { subnetId: "subnet-0" }, { keyName: "other" }]) {
      expect((await plugin.diff(a, change)).replaces).toEqual(Object.keys(change));
    }
  });

  test("an address that a host has is refused", async () => {
    const twin = plugin.create(T.instance, "twin", { ...a.inputs });
    await expect(twin).rejects.toThrow("InvalidIPAddress.InUse");
  });

  test("run their user data once, and take the key pair's owner in by the public address", async () => {
    const ssh = ["ssh", "-i", keyFile, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]; // prettier-ignore
    const said = await run([...ssh, `admin@${textOf(a, "publicIp")}`, "sudo cat /root/ran"]);
    expect(said.stdout).toBe("ran\n");
  });

  test("reach only what the security groups let them, at once", async () => {
    expect(await connects(a, address(b), 9092)).toBe(false);
    const rule = await plugin.create(T.ingress, "kafka", {
      securityGroupId: net.group.id,
      ipProtocol: "tcp",
      fromPort: 9092,
      toPort: 9092,
      referencedSecurityGroupId: net.group.id,
    });
    expect(await connects(a, address(b), 9092)).toBe(true);
    // The replies pass though no rule lets b's group in on a's port; b itself has no business there.
    expect(await connects(b, address(a), 22)).toBe(false);
    const narrowed = await plugin.update(rule, { fromPort: 9093, toPort: 9093 });
    expect(await connects(a, address(b), 9092)).toBe(false);
    await plugin.update(narrowed, { fromPort: 9000, toPort: 9100 });
    expect(await connects(a, address(b), 9092)).toBe(true);
    await plugin.delete(rule);
    expect(await connects(a, address(b), 9092)).toBe(false);
  });

  test("cannot go round the firewall by each other's hardware address", async () => {
    const pairs = [[a, b], [b, a]] as const; // prettier-ignore
    for (const [from, to] of pairs) {
      const [, , mac] = (await hostShell(to.id, "ip -br link show ens5")).split(/\s+/);
      const neighbour = `${address(to)} lladdr ${mac} dev ens5 nud permanent`;
      await hostShell(from.id, `ip neigh replace ${neighbour}`);
    }
    expect(await connects(a, address(b), 9092)).toBe(false);
    for (const [from, to] of pairs)
      await hostShell(from.id, `ip neigh del ${address(to)} dev ens5`);
  });

  test("see a rule that another plugin process removed, when the first adds it again", async () => {
    const inputs = {
      securityGroupId: net.group.id,
      ipProtocol: "tcp",
      fromPort: 9092,
      toPort: 9092,
      cidrIpv4: `${address(a)}/32`,
    };
    const rule = await plugin.create(T.ingress, "shared", inputs);
    const second = await cloud.plugin("second");
    await second.delete(rule);
    await second.stop();
    expect(await connects(a, address(b), 9092)).toBe(false);
    const again = await plugin.create(T.ingress, "shared", inputs);
    expect(await connects(a, address(b), 9092)).toBe(true);
    await plugin.delete(again);
  });

  test("in a private subnet get out through a NAT gateway alone, and nobody gets in", async () => {
    expect(c.outs).toMatchObject({ publicIp: "", associatePublicIpAddress: false });
    // What is outside: an address of the machine that the VPC's router does not have itself.
    const far = await plugin.create(T.vpc, "far", { cidrBlock: "10.76.0.0/16" });
    const server = createServer().listen(0, await machineAddress(far));
    await once(server, "listening");
    const outside = server.address() as AddressInfo;
    const getsOut = () => connects(c, outside.address, outside.port);
    try {
      expect(await connects(a, outside.address, outside.port)).toBe(true);
      expect(await getsOut()).toBe(false);

      const eip = await plugin.create(T.eip, "nat", { domain: "vpc" });
      const nat = await plugin.create(T.nat, "nat", {
        subnetId: net.subnet.id,
        allocationId: eip.id,
      });
      const route = await plugin.create(T.route, "nat", routeToNat(privateTable, nat.id));
      expect(await getsOut()).toBe(true);
      const silent = await plugin.create(T.group, "silent", { vpcId: net.vpc.id });
      const muted = await plugin.update(c, { vpcSecurityGroupIds: [silent.id] });
      expect(await getsOut()).toBe(false);
      await plugin.update(muted, c.inputs);

      // SSH is open to the machine, but no address leads there; not even with a route of one's own.
      const router = (await machineAddress(net.vpc)).replace(/\d+$/, "2");
      await must(["ip", "route", "add", `${address(c)}/32`, "via", router]);
      try {
        expect(await machineConnects(textOf(a, "publicIp"), 22)).toBe(true);
        expect(await machineConnects(address(c), 22)).toBe(false);
      } finally {
        await must(["ip", "route", "delete", `${address(c)}/32`]);
      }

      await plugin.delete(nat);
      expect(await getsOut()).toBe(false);
      for (const part of [route, eip, silent, far]) await plugin.delete(part);
    } finally {
      server.close();
    }
  });

  test("in a private subnet reach the VPC's own, and are reached from it, as the groups say", async () => {
    expect(await connects(a, address(c), 22)).toBe(false);
    const inputs = {
      securityGroupId: net.group.id,
      ipProtocol: "tcp",
      fromPort: 22,
      toPort: 22,
      referencedSecurityGroupId: net.group.id,
    };
    const rule = await plugin.create(T.ingress, "inside", inputs);
    expect(await connects(a, address(c), 22)).toBe(true);
    expect(await connects(c, address(a), 22)).toBe(true);
    await plugin.delete(rule);
    expect(await connects(a, address(c), 22)).toBe(false);
    // Its resolver knows the archive mirror, which answers.
    expect(await connects(c, "mirror.local-cloud.internal", 80)).toBe(true);
  });

  test("without a security group of their own are in the VPC's", async () => {
    const own = textOf(net.vpc, "defaultSecurityGroupId");
    const moved = await Promise.all(
      [a, b].map((host) => plugin.update(host, { vpcSecurityGroupIds: [own] })),
    );
    expect(moved.map((host) => host.outs["vpcSecurityGroupIds"])).toEqual([[own], [own]]);
    expect(await connects(a, address(b), 9092)).toBe(true);
    await Promise.all([a, b].map((host) => plugin.update(host, {})));
    expect(await connects(a, address(b), 9092)).toBe(false);
  });

  test("find each other by DNS, as the private zones say", async () => {
    const vpcs = [{ vpcId: net.vpc.id }];
    const zone = await plugin.create(T.zone, "zone", { name: "foo.test", vpcs });
    const reverse = await plugin.create(T.zone, "reverse", { name: "0.77.10.in-addr.arpa", vpcs });
    const zoneId = zone.id;
    const record = (name: string, type: string, records: string[]) =>
      plugin.create(T.record, `${name}-${type}`, { zoneId, name, type, ttl: 60, records });
    const kafka = await record("kafka01", "A", [address(b)]);
    const alias = await record("broker", "CNAME", ["kafka01.foo.test"]);
    await plugin.create(T.record, "ptr", {
      zoneId: reverse.id,
      name: "4",
      type: "PTR",
      ttl: 60,
      records: ["kafka01.foo.test"],
    });
    const lookUp = async (name: string) => {
      const { status, stdout } = await tryHostShell(a.id, `getent ahostsv4 ${name}`);
      return status === 0 ? stdout.split(/\s/)[0] : undefined;
    };
    expect(await lookUp("kafka01.foo.test")).toBe(address(b));
    // Debian's image takes no search domain from DHCP.
    expect(await lookUp("kafka01")).toBeUndefined();
    expect(await lookUp("broker.foo.test")).toBe(address(b));
    expect(await hostShell(a.id, `getent hosts ${address(b)}`)).toContain("kafka01.foo.test");

    await plugin.update(kafka, { records: [address(a)] });
    await waitFor("the changed record", "served", 10, async () => {
      const seen = await lookUp("kafka01.foo.test");
      return seen === address(a) ? { seen } : String(seen);
    });
    await plugin.delete(alias);
    await waitFor("the deleted alias", "gone", 10, async () => {
      const seen = await lookUp("broker.foo.test");
      return seen === undefined ? {} : seen;
    });
  });

  test("take other DHCP options when they renew their lease", async () => {
    const options = await plugin.create(T.dhcpOptions, "next", { domainName: "bar.test" });
    const association = cloud.records.find((record) => record.type === T.dhcpAssociation)!;
    const read = await plugin.read({ ...association, outs: {} });
    expect(await plugin.diff(read!, { dhcpOptionsId: options.id })).toMatchObject({ replaces: [] });
    await plugin.update(read!, { dhcpOptionsId: options.id });
    await hostShell(a.id, "networkctl renew ens5");
    await waitFor("the domain", "changed", 10, async () => {
      const seen = await hostShell(a.id, "grep ^DOMAINNAME= /run/systemd/netif/leases/*");
      return seen === "DOMAINNAME=bar.test" ? { seen } : seen;
    });
  });

  test("have their volumes, whichever comes first, full when they are full", async () => {
    const volume = (name: string) =>
      plugin.create(T.volume, name, { availabilityZone: ZONE, size: 1, type: "gp3" });
    const [one, two, far] = [
      await volume("one"),
      await volume("two"),
      await plugin.create(T.volume, "far", { availabilityZone: "ap-northeast-2b", size: 1 }),
    ];
    const attach = (name: string, of: Resource, deviceName: string) =>
      plugin.create(T.attachment, name, { volumeId: of.id, instanceId: a.id, deviceName });
    const later = await attach("one", one, "/dev/sdg");
    await hostShell(a.id, `mkfs.ext4 -q ${device(one)} && mount ${device(one)} /mnt`);
    // The name of its device comes before the other's; the devices of both must stay what they are.
    const earlier = await attach("two", two, "/dev/sdf");
    expect(await hostShell(a.id, `stat -L -c %t:%T ${device(one)}`)).not.toBe(
      await hostShell(a.id, `stat -L -c %t:%T ${device(two)}`),
    );
    expect((await tryHostShell(a.id, `mkfs.ext4 -q -F ${device(one)}`)).status).not.toBe(0);
    expect(await plugin.diff(later)).toMatchObject({ changes: false });

    await expect(attach("twice", one, "/dev/sdh")).rejects.toThrow("VolumeInUse");
    await expect(attach("far", far, "/dev/sdh")).rejects.toThrow("InvalidVolume.ZoneMismatch");
    const third = await volume("third");
    await expect(attach("clash", third, "/dev/sdg")).rejects.toThrow("is already in use");
    await expect(plugin.delete(later)).rejects.toThrow("api error IncorrectState");
    expect(await plugin.diff(later)).toMatchObject({ changes: false });

    const filled = await tryHostShell(a.id, "fallocate -l 2G /mnt/x; rm /mnt/x");
    expect(filled.output).toContain("No space left on device");
    await plugin.update(one, { size: 2 });
    // Offline: a file system grows while it is mounted only where the kernel lets the machine do so.
    await hostShell(
      a.id,
      `umount /mnt && e2fsck -fp ${device(one)} && resize2fs ${device(one)} && mount ${device(one)} /mnt`,
    );
    expect(Number(await hostShell(a.id, "df --output=size -m /mnt | tail -1"))).toBeGreaterThan(
      1800,
    );

    await hostShell(a.id, "echo kept >/mnt/file");
    await plugin.delete(earlier);
    expect((await tryHostShell(a.id, `test -e ${device(two)}`)).status).toBe(1);
    for (const spare of [two, far, third]) await plugin.delete(spare);
  });

  test("come back from a reboot of their own, with their volume, which can then be detached", async () => {
    const before = hostInit(a.id);
    await tryHostShell(a.id, "systemctl reboot");
    await waitFor("the host", "rebooted", 60, () => {
      const now = hostInit(a.id);
      return now !== undefined && now !== before ? { now } : `systemd as process ${now}`;
    });
    await booted(a.id, address(a));
    expect(await hostShell(a.id, "cat /root/ran")).toBe("ran");

    const attachment = cloud.records.find((record) => record.type === T.attachment)!;
    const volume = cloud.records.find((record) => record.type === T.volume)!;
    const path = device(volume as unknown as Resource);
    expect(await hostShell(a.id, `mount ${path} /mnt && cat /mnt/file && umount /mnt`)).toBe(
      "kept",
    );
    await plugin.delete(attachment);
    expect((await tryHostShell(a.id, `test -e ${path} || test -e /dev/nvme1n1`)).status).toBe(1);
    expect(
      (await run(["losetup", "--associated", `${cloud.stateDir}/cloud/volumes/${volume.id}.img`]))
        .stdout,
    ).toBe("");
    await plugin.delete(volume);
  });

  test("that are powered off from inside are started by an update, with another public address", async () => {
    await hostShell(a.id, "echo kept >/root/kept");
    await tryHostShell(a.id, "systemctl poweroff");
    await waitFor("the host", "powered off", 60, async () => {
      const seen = (await plugin.read(a))?.outs["instanceState"];
      return seen === "stopped" ? { seen } : String(seen);
    });
    expect(await plugin.diff(a)).toMatchObject({ changes: true, replaces: [] });
    const started = await plugin.update(a, {});
    await booted(a.id, address(a));
    expect(started.outs["privateIp"]).toBe(a.outs["privateIp"]);
    expect(started.outs["publicIp"]).not.toBe(a.outs["publicIp"]);
    expect(await hostShell(a.id, "cat /root/kept /root/ran")).toBe("kept\nran");
    a = started;
  });

  test("are stopped and started for another type", async () => {
    const init = hostInit(a.id);
    const changed = await plugin.update(a, { instanceType: "t3.medium" });
    expect(changed.outs).toMatchObject({ instanceType: "t3.medium", instanceState: "running" });
    expect(hostInit(a.id)).not.toBe(init);
    expect(changed.outs["publicIp"]).not.toBe(a.outs["publicIp"]);
    await booted(a.id, address(a));
    a = changed;
  });

  test("power off in order at a SIGTERM, and boot again whatever systemd-nspawn has left of them", async () => {
    await hostShell(
      a.id,
      "systemd-run --quiet --property=ExecStop='/bin/touch /root/in-order' sleep 1h",
    );
    const script = join(cloud.stateDir, "cloud/instances", a.id, "host.sh");
    const runner = () => daemonPid({ argv: ["sh", script], mark: script });
    process.kill(Number(runner()), "SIGTERM");
    // It ends after the host, once it has removed what systemd-nspawn keeps.
    await waitFor("the host's runner", "gone", 60, () => (runner() === undefined ? {} : "it runs"));
    expect(hostInit(a.id)).toBeUndefined();
    const upper = join(cloud.stateDir, "cloud/instances", a.id, "upper");
    expect(existsSync(join(upper, "root/in-order"))).toBe(true);

    // As version 256 and later leave it, which then refuse to boot.
    const remains = `/run/systemd/nspawn/unix-export/${a.id}`;
    mkdirSync(remains, { recursive: true });
    await must(["mount", "-t", "tmpfs", "-o", "mode=0755", a.id, remains]);
    expect(await plugin.diff(a)).toMatchObject({ changes: true });
    a = await plugin.update(a, {});
    await booted(a.id, address(a));
    expect(readFileSync("/proc/self/mounts", "utf8")).not.toContain(`${a.id} ${remains} `);
  });

  test("are looked up as they are", async () => {
    expect(await lookUp(c)).toMatchObject({
      ...c.inputs,
      id: c.id,
      instanceState: "running",
      privateIp: address(c),
      publicIp: "",
      arn: c.outs["arn"],
      availabilityZone: ZONE,
      userData: createHash("sha1").update(textOf(c, "userData")).digest("hex"),
    });
    const find = (args: Props) => plugin.invoke("aws:ec2/getInstance:getInstance", args);
    await expect(find({ instanceId: "i-0" })).rejects.toThrow("InvalidInstanceID.NotFound");
    await expect(find({})).rejects.toThrow("only by its instanceId; got none");
    const filters = [{ name: "instance-id", values: [c.id] }];
    await expect(find({ filters })).rejects.toThrow("only by its instanceId; got filters");
  });

  test("are stopped and started by their state, and stay stopped", async () => {
    const marked = (file: string) =>
      existsSync(join(cloud.stateDir, "cloud/instances", b.id, "upper/root", file));
    const mark = (file: string) =>
      hostShell(
        b.id,
        `systemd-run --quiet --property=ExecStop='/bin/touch /root/${file}' sleep 1h`,
      );
    const init = hostInit(b.id);
    const wish = { instanceId: b.id, state: "running" };
    let state = await plugin.create(T.instanceState, "b", wish);
    expect(state.id).toBe(b.id);
    expect(hostInit(b.id)).toBe(init);
    expect(await plugin.diff(state)).toMatchObject({ changes: false });
    expect(await plugin.read(state)).toEqual(state);
    expect(await plugin.diff(state, { instanceId: a.id })).toMatchObject({
      replaces: ["instanceId"],
    });

    await mark("in-order");
    const lastAddress = (await lookUp(b))["publicIp"] as string;
    expect(await machineConnects(lastAddress, 22)).toBe(true);
    state = await plugin.update(state, { state: "stopped" });
    expect(hostInit(b.id)).toBeUndefined();
    expect(marked("in-order")).toBe(true);
    expect(await lookUp(b)).toMatchObject({
      instanceState: "stopped",
      publicIp: "",
      associatePublicIpAddress: false,
    });
    expect((await plugin.read(b))?.outs).toMatchObject({
      instanceState: "stopped",
      publicIp: "",
      privateIp: b.outs["privateIp"],
    });
    for (const made of [state, b]) {
      expect(await plugin.diff(made)).toMatchObject({ changes: false });
    }
    b = await plugin.update(b, { instanceType: "t3.medium", tags: { Name: "b" } });
    expect(b.outs).toMatchObject({ instanceType: "t3.medium", instanceState: "stopped" });
    expect(hostInit(b.id)).toBeUndefined();

    state = await plugin.update(state, { state: "running" });
    await booted(b.id, address(b));
    const nextAddress = (await lookUp(b))["publicIp"] as string;
    expect(nextAddress).not.toBe(lastAddress);
    expect(await machineConnects(nextAddress, 22)).toBe(true);
    expect(await machineConnects(lastAddress, 22)).toBe(false);
    expect(await plugin.diff(b)).toMatchObject({ changes: false });

    await mark("pulled");
    state = await plugin.update(state, { state: "stopped", force: true });
    expect(hostInit(b.id)).toBeUndefined();
    expect(marked("pulled")).toBe(false);

    // Under another name it is another resource with the same id; the old one goes and takes nothing.
    const renamed = await plugin.create(T.instanceState, "renamed", { ...wish, state: "stopped" });
    await plugin.delete(state);
    expect(await plugin.read(renamed)).toEqual(renamed);
    await plugin.delete(renamed);
    expect(await plugin.read(renamed)).toBeUndefined();
    expect(hostInit(b.id)).toBeUndefined();
    expect(await plugin.diff(b)).toMatchObject({ changes: false });

    const guarded = await plugin.update(b, { disableApiStop: true });
    const refused = plugin.create(T.instanceState, "b", { ...wish, state: "stopped" });
    await expect(refused).rejects.toThrow("OperationNotPermitted");
    b = await plugin.update(guarded, { disableApiStop: undefined });
  });

  test("keep their elastic address, which the machine and the groups let in", async () => {
    let power = await plugin.create(T.instanceState, "b", { instanceId: b.id, state: "running" });
    await booted(b.id, address(b));
    await hostShell(b.id, "systemd-run --quiet --unit=listener nc -lk 9092");
    const automatic = (await lookUp(b))["publicIp"] as string;
    const eip = await plugin.create(T.eip, "b", {});
    const elastic = textOf(eip, "publicIp");
    const link = `kl-${net.vpc.id.slice(4, 16)}`;
    expect(await routeTo(elastic)).not.toContain(link);

    const wish = { allocationId: eip.id, instanceId: b.id };
    const association = await plugin.create(T.eipAssociation, "b", wish);
    expect(association).toMatchObject({
      id: expect.stringMatching(/^eipassoc-[0-9a-f]{17}$/) as string,
      outs: {
        ...wish,
        networkInterfaceId: b.outs["primaryNetworkInterfaceId"],
        privateIpAddress: address(b),
        publicIp: elastic,
      },
    });
    expect(await plugin.diff(association)).toMatchObject({ changes: false });
    expect(await plugin.read(association)).toEqual(association);
    for (const change of [{ allocationId: "eipalloc-1" }, { instanceId: a.id }]) {
      expect((await plugin.diff(association, change)).replaces).toEqual(Object.keys(change));
    }
    expect((await plugin.read(eip))?.outs).toMatchObject({
      associationId: association.id,
      instance: b.id,
      networkInterface: b.outs["primaryNetworkInterfaceId"],
      privateIp: address(b),
    });
    expect(await lookUp(b)).toMatchObject({ publicIp: elastic, associatePublicIpAddress: true });
    expect((await plugin.read(b))?.outs).toMatchObject({ publicIp: elastic });
    for (const made of [net.vpc, b, (await plugin.read(b))!]) {
      expect(await plugin.diff(made)).toMatchObject({ changes: false });
    }

    expect(await routeTo(elastic)).toBe(link);
    expect(await machineConnects(elastic, 22)).toBe(true);
    expect(await machineConnects(automatic, 22)).toBe(false);
    expect(await machineConnects(elastic, 9092)).toBe(false);
    const rule = await plugin.create(T.ingress, "client", fromMachine(net.group, 9092));
    expect(await machineConnects(elastic, 9092)).toBe(true);
    // A neighbour goes out and comes back in, as to an automatic address.
    expect(await connects(a, elastic, 9092)).toBe(true);
    expect(await connects(a, textOf(a, "publicIp"), 22)).toBe(true);
    await plugin.delete(rule);
    expect(await machineConnects(elastic, 9092)).toBe(false);
    expect(await connects(a, elastic, 9092)).toBe(false);

    power = await plugin.update(power, { state: "stopped" });
    expect(await lookUp(b)).toMatchObject({ instanceState: "stopped", publicIp: elastic });
    expect((await plugin.read(b))?.outs).toMatchObject({ publicIp: elastic });
    expect(await machineConnects(elastic, 22)).toBe(false);
    expect(await routeTo(elastic)).toBe(link);
    for (const made of [net.vpc, association]) {
      expect(await plugin.diff(made)).toMatchObject({ changes: false });
    }
    power = await plugin.update(power, { state: "running" });
    await booted(b.id, address(b));
    expect(await lookUp(b)).toMatchObject({ publicIp: elastic });
    expect(await machineConnects(elastic, 22)).toBe(true);

    // A route that somebody removed comes back.
    await must(["ip", "route", "delete", elastic]);
    expect(await plugin.diff(net.vpc)).toMatchObject({ changes: true, replaces: [] });
    await plugin.update(net.vpc, {});
    expect(await routeTo(elastic)).toBe(link);

    await plugin.delete(association);
    await plugin.delete(association);
    const next = (await lookUp(b))["publicIp"] as string;
    expect([automatic, elastic]).not.toContain(next);
    expect(await machineConnects(next, 22)).toBe(true);
    expect(await routeTo(elastic)).not.toContain(link);
    expect(await plugin.diff(net.vpc)).toMatchObject({ changes: false });
    await plugin.delete(eip);
    const block = elastic.replace(/\d+$/, "0/24");
    expect(await must(["ip", "-4", "route", "show", "table", "all"])).not.toContain(block);
    await plugin.delete(power);
  });

  test("exchange their elastic addresses, and give them up with their life", async () => {
    const [one, two] = [
      await plugin.create(T.eip, "one", {}),
      await plugin.create(T.eip, "two", {}),
    ];
    const associate = (name: string, eip: Resource, host: Resource, rest: Props = {}) =>
      plugin.create(T.eipAssociation, name, {
        ...{ allocationId: eip.id, instanceId: host.id },
        ...rest,
      });
    const reached = async (eip: Resource) => machineConnects(textOf(eip, "publicIp"), 22);
    const first = await associate("first", one, b);
    expect(await reached(one)).toBe(true);
    // A host has one. Its second takes the place of the first, whose association is gone.
    const second = await associate("second", two, b);
    expect([await reached(one), await reached(two)]).toEqual([false, true]);
    expect(await plugin.read(first)).toBeUndefined();
    expect((await plugin.read(one))?.outs).toMatchObject({ associationId: "", instance: "" });
    await plugin.delete(first);

    // An address has one host, and moves unless it may not.
    await expect(associate("fixed", two, a, { allowReassociation: false })).rejects.toThrow(
      "Resource.AlreadyAssociated",
    );
    const moved = await associate("moved", two, a);
    expect(await lookUp(a)).toMatchObject({ publicIp: two.outs["publicIp"] });
    const { publicIp } = await lookUp(b);
    expect([one, two].map((eip) => eip.outs["publicIp"])).not.toContain(publicIp);
    expect(await machineConnects(publicIp as string, 22)).toBe(true);
    expect(await plugin.read(second)).toBeUndefined();
    expect(await reached(two)).toBe(true);

    // The release of an address in use, as Pulumi knows it before and after a refresh.
    await Promise.all([
      expect(plugin.delete(two)).rejects.toThrow("InvalidIPAddress.InUse"),
      expect(plugin.delete(net.gateway)).rejects.toThrow("has some mapped public address"),
    ]);
    await plugin.delete((await plugin.read(two))!);
    expect(await plugin.read(moved)).toBeUndefined();
    expect(await machineConnects((await lookUp(a))["publicIp"] as string, 22)).toBe(true);

    const mortal = await plugin.create(T.instance, "mortal", {
      ...{ ami: await ami(plugin), instanceType: "t3.small", subnetId: net.subnet.id },
    });
    const last = await associate("last", one, mortal);
    await plugin.delete(mortal);
    expect(await plugin.read(last)).toBeUndefined();
    expect((await plugin.read(one))?.outs).toMatchObject({ associationId: "", instance: "" });
    expect(await plugin.diff(net.vpc)).toMatchObject({ changes: false });
    await plugin.delete(one);
  });

  test("stay stopped over a reboot of the machine, or are started by an update, as was wished", async () => {
    const state = await plugin.create(T.instanceState, "b", { instanceId: b.id, state: "stopped" });
    const running = await plugin.create(T.instanceState, "a", {
      instanceId: a.id,
      state: "running",
    });
    const lastAddress = (await lookUp(a))["publicIp"];
    const eip = await plugin.create(T.eip, "b", {});
    const elastic = textOf(eip, "publicIp");
    const wish = { allocationId: eip.id, instanceId: b.id };
    const association = await plugin.create(T.eipAssociation, "b", wish);
    await plugin.kill();
    const ids = cloud.records.map((record) => record.id);
    await reboot({ stateDir: cloud.stateDir, ids }, {});
    expect(await must(["ip", "-4", "route"])).not.toContain(elastic.replace(/\d+$/, "0/24"));
    plugin = await cloud.plugin();
    // The guard is there before any route.
    expect(await routeTo(elastic)).toContain("No route to host");
    expect((await plugin.read(running))?.outs["state"]).toBe("stopped");
    for (const lost of [net.vpc, a, running]) {
      expect(await plugin.diff(lost)).toMatchObject({ changes: true, replaces: [] });
    }
    await plugin.update(net.vpc, {});
    expect(await routeTo(elastic)).toBe(`kl-${net.vpc.id.slice(4, 16)}`);
    // A refresh finds it without its public address; it is no other instance for that.
    const found = (await plugin.read(a))!;
    expect(found.outs["publicIp"]).toBe("");
    expect(await plugin.diff(found)).toMatchObject({ changes: true, replaces: [] });
    await plugin.update(found, {});
    await booted(a.id, address(a));
    expect(await plugin.diff(running)).toMatchObject({ changes: false });
    const { publicIp } = await lookUp(a);
    expect(publicIp).not.toBe(lastAddress);
    expect(await machineConnects(publicIp as string, 22)).toBe(true);
    for (const made of [b, state]) {
      expect(await plugin.diff(made)).toMatchObject({ changes: false });
    }
    expect(hostInit(b.id)).toBeUndefined();
    // Nothing but its state brings it back.
    await plugin.update(state, { state: "running" });
    await booted(b.id, address(b));
    await hostShell(b.id, "systemd-run --quiet --unit=listener nc -lk 9092");
    expect(await lookUp(b)).toMatchObject({ publicIp: elastic });
    expect(await machineConnects(elastic, 22)).toBe(true);
    for (const made of [association, eip]) await plugin.delete(made);
    a = (await plugin.read(a))!;
  });

  test("get links, rules and names back that somebody removed", async () => {
    const router = `kafkalab-${net.vpc.id}`;
    await must(["ip", "netns", "exec", router, "nft", "delete", "table", "inet", "kafkalab"]);
    await must(["ip", "-n", `kafkalab-${a.id}`, "link", "delete", "ens5"]);
    await must(["ip", "-n", router, "link", "delete", "uplink"]);
    expect(await plugin.diff(net.vpc)).toMatchObject({ changes: true, replaces: [] });
    expect(await plugin.diff(a)).toMatchObject({ changes: true, replaces: [] });
    await plugin.update(net.vpc, {});
    await plugin.update(a, {});
    await booted(a.id, address(a));
    expect(await connects(a, address(b), 9092)).toBe(false);
    expect((await run(["bash", "-c", `</dev/tcp/${textOf(a, "publicIp")}/22`])).status).toBe(0);
    expect(await plugin.diff(net.vpc)).toMatchObject({ changes: false });
    expect(await plugin.diff(a)).toMatchObject({ changes: false });
  });

  test("whose disk is removed are gone for a refresh, and can be made again", async () => {
    rmSync(join(cloud.stateDir, "cloud/instances", a.id, "upper"), { recursive: true });
    expect(await plugin.diff(a)).toMatchObject({ replaces: ["id"] });
    expect(cloud.records.filter((record) => record.id === a.id)).toHaveLength(2);
    expect(await plugin.read(a)).toBeUndefined();
    expect(cloud.records.filter((record) => record.id === a.id)).toEqual([]);
    const again = await plugin.create(T.instance, "a", a.inputs);
    expect(again.outs["privateIp"]).toBe(a.outs["privateIp"]);
    expect(hostInit(a.id)).toBeUndefined();
    await booted(again.id, address(again));
  });
});

test("after the last deletion nothing is left", () => accounts.expectNothingLeft());
