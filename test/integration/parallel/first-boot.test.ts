import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { renderScript } from "../../../shared/remote-script";
import { hostUserData } from "../../../components/lib/user-data";
import { FIRST_BOOT_SECONDS } from "../../../components/lib/waits";
import {
  Cloud,
  hostInit,
  hostShell,
  type Plugin,
  type Resource,
  tryHostShell,
} from "../../support/local-cloud";
import { must, run, waitFor } from "../../support/run";

/*
 * The first boot of hosts with the lab's own user data: what is there when sshd answers, what comes
 * after, and what becomes of it when it is cut short.
 */

const T = {
  vpc: "aws:ec2/vpc:Vpc",
  subnet: "aws:ec2/subnet:Subnet",
  gateway: "aws:ec2/internetGateway:InternetGateway",
  table: "aws:ec2/routeTable:RouteTable",
  route: "aws:ec2/route:Route",
  association: "aws:ec2/routeTableAssociation:RouteTableAssociation",
  options: "aws:ec2/vpcDhcpOptions:VpcDhcpOptions",
  optionsAssociation: "aws:ec2/vpcDhcpOptionsAssociation:VpcDhcpOptionsAssociation",
  zone: "aws:route53/zone:Zone",
  record: "aws:route53/record:Record",
  group: "aws:ec2/securityGroup:SecurityGroup",
  ingress: "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
  egress: "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
  keyPair: "aws:ec2/keyPair:KeyPair",
  instance: "aws:ec2/instance:Instance",
  instanceState: "aws:ec2transitgateway/instanceState:InstanceState",
  volume: "aws:ebs/volume:Volume",
  attachment: "aws:ec2/volumeAttachment:VolumeAttachment",
};
const ZONE = "ap-northeast-2a";
const DOMAIN = "foo.test";
const DONE = "/var/lib/kafkalab/user-data-done";

const cloud = new Cloud();
let plugin: Plugin;
let keyFile: string;
/** Gets its volume while it waits for it. */
let late: Resource;
/** Loses its power while it waits. */
let cut: Resource;
/** Has no volume, like a bastion. */
let bare: Resource;
let volumes: Resource[];
let hostKeys: string[];
/** What ssh-keyscan saw of `late`, over and over from before it had an address. */
let shown: Promise<Set<string>>;

const publicIp = (host: Resource) => String(host.outs["publicIp"]);
const privateIp = (host: Resource) => String(host.outs["privateIp"]);

async function sshKey(name: string): Promise<{ private: string; public: string }> {
  const file = join(cloud.stateDir, name);
  await must(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file]);
  const [key, pub] = await Promise.all([must(["cat", file]), must(["cat", `${file}.pub`])]);
  return { private: key, public: pub };
}

beforeAll(async () => {
  plugin = await cloud.plugin();
  keyFile = join(cloud.stateDir, "login");
  const login = await sshKey("login");
  const vpc = await plugin.create(T.vpc, "vpc", { cidrBlock: "10.79.0.0/16" });
  const vpcId = vpc.id;
  const subnet = await plugin.create(T.subnet, "subnet", {
    ...{ vpcId, cidrBlock: "10.79.0.0/24", availabilityZone: ZONE, mapPublicIpOnLaunch: true },
  });
  const gateway = await plugin.create(T.gateway, "gateway", { vpcId });
  const table = await plugin.create(T.table, "table", { vpcId });
  await plugin.create(T.route, "route", {
    ...{ routeTableId: table.id, destinationCidrBlock: "0.0.0.0/0", gatewayId: gateway.id },
  });
  await plugin.create(T.association, "table", { subnetId: subnet.id, routeTableId: table.id });
  const options = await plugin.create(T.options, "options", { domainName: DOMAIN });
  await plugin.create(T.optionsAssociation, "options", { vpcId, dhcpOptionsId: options.id });
  const zone = await plugin.create(T.zone, "zone", { name: DOMAIN, vpcs: [{ vpcId }] });
  const group = await plugin.create(T.group, "group", { vpcId });
  for (const type of [T.ingress, T.egress]) {
    await plugin.create(type, "all", {
      ...{ securityGroupId: group.id, ipProtocol: "-1", cidrIpv4: "0.0.0.0/0" },
    });
  }
  await plugin.create(T.keyPair, "key", { keyName: "key", publicKey: login.public.trim() });
  const { id: ami } = await plugin.invoke("aws:ec2/getAmi:getAmi", { owners: ["136693071363"] });
  volumes = await Promise.all(
    ["late", "cut"].map((name) =>
      plugin.create(T.volume, name, { availabilityZone: ZONE, size: 1 }),
    ),
  );
  const keys = await Promise.all(["late", "cut", "bare"].map((name) => sshKey(`host-${name}`)));
  hostKeys = keys.map((key) => key.public.trim());
  [late, cut, bare] = (await Promise.all(
    ["late", "cut", "bare"].map(async (name, index) => {
      const address = `10.79.0.${20 + index}`;
      const fullName = `${name}.${DOMAIN}`;
      await plugin.create(T.record, name, {
        ...{ zoneId: zone.id, name: fullName, type: "A", ttl: 60, records: [address] },
      });
      const userData = hostUserData({
        ...{ fullName, domain: DOMAIN, loginUser: "ec2-user", loginKey: login.public.trim() },
        hostKey: keys[index] ?? { private: "", public: "" },
        volumeId: volumes[index]?.id ?? "",
      });
      const host = await plugin.create(T.instance, name, {
        ...{ ami, instanceType: "t3.small", subnetId: subnet.id, keyName: "key", userData },
        ...{ privateIp: address, vpcSecurityGroupIds: [group.id] },
      });
      if (name === "late") shown = watchKeys(publicIp(host));
      return host;
    }),
  )) as [Resource, Resource, Resource];
});
afterAll(async () => {
  await plugin.delete(late);
  await plugin.delete(cut);
  await cloud.dispose();
});

/** All host keys that a host shows until it lets `ec2-user` in. */
async function watchKeys(address: string): Promise<Set<string>> {
  const seen = new Set<string>();
  await waitFor("sshd", "letting ec2-user in", 60, async () => {
    const { stdout } = await run(["ssh-keyscan", "-T", "1", address]);
    const keys = stdout.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    keys.forEach((line) => seen.add(line.split(" ").slice(1).join(" ")));
    if (keys.length === 0) return "no key";
    const { status, output } = await ssh(address, "sudo -n true");
    // Whoever gets in at all can do everything: no key is there before the rest.
    expect(output).not.toMatch(/Permission denied|password is required/);
    return status === 0 ? seen : output;
  });
  return seen;
}

const ssh = (address: string, command: string, input?: string) =>
  run(
    [
      ...["ssh", "-F", "none", "-i", keyFile, "-o", "BatchMode=yes", "-o", "ConnectTimeout=2"],
      ...["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"],
      ...["-o", "LogLevel=ERROR", `ec2-user@${address}`, command],
    ],
    { input },
  );

/** Waits until user data waits for the volume. */
const waits = (host: Resource) =>
  waitFor(`user data of ${host.id}`, "at work", 60, async () => {
    const { status, output } = await tryHostShell(
      host.id,
      "test -e /var/lib/cloud/instance/sem/config_scripts_user && grep 'first boot' /var/lib/kafkalab/user-data.log",
    ).catch((error: unknown) => ({ status: 1, output: String(error) }));
    return status === 0 ? { status } : output || "no mark";
  });

const attach = (host: Resource, volume: Resource | undefined) =>
  plugin.create(T.attachment, `of-${host.id}`, {
    ...{ deviceName: "/dev/sdf", instanceId: host.id, volumeId: volume?.id },
  });

/** What the install script does before it starts a service for the first time. */
const completeFirstBoot = (host: Resource) => {
  const functions = renderScript(["common.sh", "host-install.sh"], {
    HOST: "test",
    FIRST_BOOT_SECONDS: String(FIRST_BOOT_SECONDS),
  });
  const script = `${functions}\nonly_run\ncomplete_first_boot </dev/null\n`;
  return run(
    ["nsenter", "--all", "--target", String(hostInit(host.id)), "bash", "-s"],
    { input: script, timeoutSeconds: 60 },
  ); // prettier-ignore
};

test("no client ever sees another host key, or a host without its login user", async () => {
  expect([...(await shown)]).toEqual([hostKeys[0]]);
});

test("short names resolve, though the image ignores the domain that DHCP offers", async () => {
  await done(bare);
  const lease = await hostShell(bare.id, "cat /run/systemd/netif/leases/*");
  expect(lease).toContain(`DOMAINNAME=${DOMAIN}`);
  expect(await hostShell(bare.id, "resolvectl domain ens5")).toMatch(/\(ens5\):$/);
  expect(await hostShell(bare.id, "cat /etc/resolv.conf | grep ^search")).toBe(`search ${DOMAIN}`);
  expect(await hostShell(bare.id, "getent ahostsv4 late | cut -d ' ' -f 1 | sort -u")).toBe(
    privateIp(late),
  );
});

test("a host knows itself as on EC2: by its full name, with its link-local address first", async () => {
  expect(await hostShell(bare.id, "hostname; hostname -f; cat /etc/hostname")).toBe(
    Array(3).fill(`bare.${DOMAIN}`).join("\n"),
  );
  const own = await hostShell(bare.id, `getent ahosts bare.${DOMAIN} | cut -d ' ' -f 1 | uniq`);
  expect(own.split("\n")).toEqual([expect.stringMatching(/^fe80::/), privateIp(bare)]);
  expect(await hostShell(bare.id, "getent ahosts bare | cut -d ' ' -f 1 | uniq")).toBe(
    privateIp(bare),
  );
});

test("frames of 9001 bytes pass between hosts, and data both ways over the machine's link of 1500", async () => {
  expect(await hostShell(bare.id, "ip -oneline link show ens5")).toContain(" mtu 9001 ");
  const ping = `ping -c 1 -W 2 -M do -s ${9001 - 28}`;
  expect(await hostShell(bare.id, `${ping} ${privateIp(late)}`)).toContain("1 received");
  const sent = randomBytes(1024 * 1024).toString("hex");
  const { stdout } = await ssh(publicIp(bare), "cat", sent);
  expect(stdout === sent).toBe(true);
});

test("a volume that comes while the host waits for it is mounted", async () => {
  await waits(late);
  expect(await hostShell(late.id, `test -e ${DONE} || echo not yet`)).toBe("not yet");
  await attach(late, volumes[0]);
  await done(late);
  expect(await hostShell(late.id, "findmnt -n -o FSTYPE,OPTIONS /data")).toMatch(
    /^ext4 +rw,noatime/,
  );
  expect((await completeFirstBoot(late)).output).toBe("");
});

test("a first boot that a power cut has ended is completed later, as cloud-init never does", async () => {
  await waits(cut);
  const wish = { instanceId: cut.id, state: "stopped", force: true };
  const state = await plugin.create(T.instanceState, "cut", wish);
  await attach(cut, volumes[1]);
  await plugin.update(state, { ...wish, state: "running" });
  await waitFor("the second boot", "finished", 60, async () => {
    const seen = await hostShell(cut.id, "cat /var/lib/cloud/instance/boot-finished").catch(String);
    return seen.includes("UTC") ? { seen } : seen;
  });
  expect(await hostShell(cut.id, `test -e ${DONE} || echo not done`)).toBe("not done");
  const { status, output } = await completeFirstBoot(cut);
  expect(status, output).toBe(0);
  expect(output).toBe("test: first boot is incomplete; running user data again\n");
  expect(await hostShell(cut.id, `findmnt -n -o FSTYPE /data && ls ${DONE}`)).toBe(`ext4\n${DONE}`);
  // What was there before sshd was there all along.
  const { outs } = (await plugin.read(cut)) ?? cut;
  expect((await ssh(String(outs["publicIp"]), "hostname")).stdout).toBe(`cut.${DOMAIN}\n`);
});

const done = (host: Resource) =>
  waitFor(`user data of ${host.id}`, "done", 60, async () => {
    const { status, output } = await tryHostShell(host.id, `ls ${DONE}`).catch(
      (error: unknown) => ({ status: 1, output: String(error) }),
    );
    return status === 0 ? { status } : output;
  });
