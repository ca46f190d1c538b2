import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { renderMultipart } from "../../components/lib/user-data";
import { amiLab, MetadataService, removeAmiLab } from "../support/ami";
import { Cloud, hostShell, type Plugin, type Resource } from "../support/local-cloud";
import { must, waitFor } from "../support/run";

/*
 * The local cloud's stand-in for cloud-init beside cloud-init itself: the same user data on the local
 * cloud's image, and on Debian's EC2 image with a metadata service. What a first boot has written must
 * be the same, and so must all that a script sees of it.
 */

const T = {
  vpc: "aws:ec2/vpc:Vpc",
  subnet: "aws:ec2/subnet:Subnet",
  keyPair: "aws:ec2/keyPair:KeyPair",
  instance: "aws:ec2/instance:Instance",
};

/** What a script sees while it runs, each line sorted out by its name. */
const PROBE = `#!/bin/bash
exec 3>/root/seen
{
  echo "ssh: $(systemctl is-active ssh.service)"
  echo "multi-user: $(systemctl is-active multi-user.target)"
  echo "semaphore: $(ls /var/lib/cloud/instance/sem/config_scripts_user)"
  echo "finished: $(test -e /var/lib/cloud/instance/boot-finished && echo yes)"
  echo "itself: $0 $(stat -c '%a %U:%G' "$0")"
  echo "who: $(id), umask $(umask), in $PWD"
  echo "variables: $(compgen -e | sort | grep -vE '^(INVOCATION_ID|JOURNAL_STREAM|SYSTEMD_EXEC_PID|_|SHLVL|OLDPWD)$' | xargs)"
  echo "input: $(readlink /proc/self/fd/0)"
  echo "host name: $(hostname), $(cat /etc/hostname), $(hostname -f)"
  echo "users: $(getent passwd admin ec2-user | xargs -d '\\n')"
  echo "groups: $(id -Gn admin), $(id -Gn ec2-user 2>&1)"
  echo "locked: $(passwd -S admin | cut -d ' ' -f 2), $(passwd -S ec2-user 2>/dev/null | cut -d ' ' -f 2)"
  echo "host keys: $(ls /etc/ssh | grep ssh_host | xargs)"
  echo "shown: $(ssh-keyscan localhost 2>/dev/null | cut -d ' ' -f 2 | sort | xargs)"
  began=$(stat -c %Y /proc/$(systemctl show -P MainPID ssh.service))
  echo "keys before sshd: $(for key in /etc/ssh/ssh_host_*_key; do (($(stat -c %Y "$key") <= began)) || echo "$key late"; done)"
  echo "resolver: $(grep ^search /etc/resolv.conf), $(readlink /etc/resolv.conf)"
  echo "network: $(networkctl --no-pager status ens5 | grep -E '^ *(Network File|MTU):' | xargs)"
} >&3 2>&1
echo "to standard output"
echo "to standard error" >&2
`;

const CASES: Record<string, (key: { private: string; public: string }) => string> = {
  "cloud-config and a script": (key) =>
    renderMultipart([
      [
        "text/cloud-config",
        `#cloud-config\n${JSON.stringify({
          fqdn: "one.foo.bar",
          prefer_fqdn_over_hostname: true,
          write_files: [
            {
              path: "/etc/systemd/resolved.conf.d/test.conf",
              content: "[Resolve]\nDomains=foo.bar\n",
            },
            { path: "/opt/new/place", content: "text", permissions: "0600" },
          ],
          ssh_keys: { ed25519_private: key.private, ed25519_public: key.public },
          users: [
            "default",
            {
              name: "ec2-user",
              shell: "/bin/bash",
              sudo: "ALL=(ALL) NOPASSWD:ALL",
              ssh_authorized_keys: [
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl a",
              ],
            },
          ],
        })}\n`,
      ],
      ["text/x-shellscript", PROBE],
    ]),
  "a script alone, that fails": () => `${PROBE}exit 3\n`,
};

let cloud: Cloud;
let lab: string;
let service: MetadataService;

beforeAll(async () => {
  lab = await amiLab();
  cloud = new Cloud();
  service = new MetadataService();
});
afterAll(async () => {
  service.stop();
  await cloud.dispose();
  removeAmiLab(lab);
});

describe("beside cloud-init", () => {
  const hosts = new Map<string, { real: Resource; standIn: Resource }>();

  beforeAll(async () => {
    const plugin = await cloud.plugin();
    // A stack of its own: a stack is of one checkout, and the image stands for another one.
    const real = await cloud.plugin("real", lab);
    const vpc = await plugin.create(T.vpc, "vpc", { cidrBlock: "10.78.0.0/16" });
    await service.start(cloud.stateDir, () => vpc.id);
    const subnet = await plugin.create(T.subnet, "subnet", {
      vpcId: vpc.id,
      cidrBlock: "10.78.0.0/24",
      availabilityZone: "ap-northeast-2a",
    });
    const key = await sshKey();
    await plugin.create(T.keyPair, "key", { keyName: "key", publicKey: key.public.trim() });
    const launch = async (on: Plugin, name: string, userData: string) => {
      const { id: ami } = await on.invoke("aws:ec2/getAmi:getAmi", { owners: ["136693071363"] });
      return on.create(T.instance, name, {
        ...{ ami, instanceType: "t3.small", subnetId: subnet.id, keyName: "key", userData },
      });
    };
    await Promise.all(
      Object.entries(CASES).map(async ([name, userData], index) => {
        const text = userData(key);
        hosts.set(name, {
          real: await launch(real, `real-${index}`, text),
          standIn: await launch(plugin, `stand-in-${index}`, text),
        });
      }),
    );
    await Promise.all(
      [...hosts.values()].flatMap((pair) => Object.values(pair)).map((host) => finished(host.id)),
    );
  });

  test.each(Object.keys(CASES))("a script sees the same: %s", async (name) => {
    const { real, standIn } = hosts.get(name)!;
    const [wanted, got] = await Promise.all([real, standIn].map(seen));
    expect(got).toEqual(wanted);
    expect(wanted?.["ssh"]).toBe("active");
  });

  test.each(Object.keys(CASES))("the same is left behind: %s", (name) => {
    const { real, standIn } = hosts.get(name)!;
    const [wanted, got] = [real, standIn].map(written);
    expect(got).toEqual(wanted);
  });
});

/** Waits until a first boot is done. */
const finished = (id: string) =>
  waitFor(`instance ${id}`, "booted", 240, async () => {
    const seen = await hostShell(id, "cat /var/lib/cloud/instance/boot-finished").catch(String);
    return /^(?!.*status).*\d/s.test(seen) ? { seen } : seen;
  });

/** What the probe noted, with this host's own names and numbers taken out. */
async function seen(host: Resource): Promise<Record<string, string>> {
  const text = neutral(await hostShell(host.id, "cat /root/seen"), host);
  return Object.fromEntries(
    text
      .split("\n")
      .map((line) => [line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)]),
  );
}

const neutral = (text: string, host: Resource) => {
  const address = String(host.outs["privateIp"]);
  return text
    .replaceAll(host.id, "i-ID")
    .replaceAll(address, "ADDRESS")
    .replaceAll(address.replaceAll(".", "-"), "ADD-RE-SS");
};

/**
 * What comes and goes, or is the two programs' own; and where apt and netplan look, in which the image
 * differs anyway (docs/differences.md).
 */
const OWN =
  /^\/(run|tmp|proc|sys|dev|var\/(cache|tmp|lib\/(systemd|dbus|dhcp|apt|ucf|polkit-1|private)|log\/(?!cloud-init-output.log)|lib\/cloud\/(?!instance$|instances\/[^/]+\/(scripts\/|user-data\.txt$|boot-finished$)))|etc\/(apt\/mirrors|netplan|machine-id|[a-z]+-$|[.]pwd[.]lock|[^/]*[.]cache$))/;

/** Files whose content differs from host to host, or is written by a clock. */
const FREE = /\/(boot-finished|seen|ssh_host_\w+_key(\.pub)?)$/;

/** All that the first boot has written over the image. */
function written(host: Resource): Record<string, string> {
  const top = join(cloud.stateDir, "cloud/instances", host.id, "upper");
  const result: Record<string, string> = {};
  const walk = (path: string) => {
    if (OWN.test(path)) return;
    const file = join(top, path);
    const stats = lstatSync(file);
    const name = neutral(path, host);
    if (stats.isDirectory()) {
      for (const entry of readdirSync(file)) walk(`${path}/${entry}`);
    } else if (stats.isSymbolicLink()) {
      result[name] = `-> ${neutral(readlinkSync(file), host)}`;
    } else {
      const owner = `${(stats.mode & 0o7777).toString(8)} ${stats.uid}:${stats.gid}`;
      result[name] = FREE.test(path) ? owner : `${owner}\n${neutral(textOf(file), host)}`;
    }
  };
  for (const entry of readdirSync(top)) walk(`/${entry}`);
  return result;
}

/** A file's text, less what cloud-init says of itself and of the time. */
const textOf = (path: string) =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => !/^# Created by cloud-init/.test(line))
    .filter((line) => !path.endsWith("/cloud-init-output.log") || line.startsWith("to standard "))
    .join("\n");

async function sshKey(): Promise<{ private: string; public: string }> {
  const script = `d=$(mktemp -d); ssh-keygen -q -t ed25519 -N "" -C "" -f "$d/k"; cat "$d/k"; echo ==; cat "$d/k.pub"; rm -r "$d"`;
  const [key = "", pub = ""] = (await must(["bash", "-c", script])).split("==\n");
  return { private: key, public: pub };
}
