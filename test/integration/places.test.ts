import {
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { booted, Cloud, hostShell, type Plugin, type Resource } from "../support/local-cloud";
import { root } from "../support/lab";
import { must, run } from "../support/run";

/*
 * The local cloud wherever users keep their state, and whatever umask they have: one host each.
 */

const T = {
  vpc: "aws:ec2/vpc:Vpc",
  subnet: "aws:ec2/subnet:Subnet",
  instance: "aws:ec2/instance:Instance",
  volume: "aws:ebs/volume:Volume",
  attachment: "aws:ec2/volumeAttachment:VolumeAttachment",
} as const;
const ZONE = "ap-northeast-2a";

let top: string;
beforeAll(() => {
  top = mkdtempSync(join(tmpdir(), "kafkalab-places-"));
});
afterAll(async () => {
  await run(["umount", join(top, "mounted")]);
  rmSync(top, { recursive: true, force: true });
});

/** What is special about it; where it is; the umask of the user. */
const PLACES: [string, () => string | Promise<string>, string][] = [
  ["a symbolic link, and umask 077", () => link("link", "real"), "077"],
  ["a link on the way to it, and umask 027", () => join(link("way", "other"), "deep/state"), "027"],
  ["blanks and quotes, and umask 000", () => join(top, ' it\'s "my"  lab '), "000"],
  ["what options of mounts are made of, and umask 002", () => join(top, "a,b:c=d\\e\\040"), "002"],
  ["what shells and URLs look for", () => join(top, "$HOME `id` *[a]? #&;%20~!"), "022"],
  ["letters of other languages", () => join(top, "실전 카프카 é"), "022"],
  ["another mount", mounted, "077"],
  ["a slash at its end, and points on the way", () => join(top, "x") + "/../y//./z/", "022"],
  ["a very long path", () => join(top, ...Array<string>(14).fill("d".repeat(240))), "022"],
];

function link(name: string, target: string): string {
  mkdirSync(join(top, target));
  symlinkSync(join(top, target), join(top, name));
  return join(top, name);
}

async function mounted(): Promise<string> {
  mkdirSync(join(top, "mounted"));
  await must(["mount", "-t", "tmpfs", "tmpfs", join(top, "mounted")]);
  return join(top, "mounted/state");
}

describe.each(PLACES)("%s", (_name, place, umask) => {
  let cloud: Cloud;
  let plugin: Plugin;
  let make: (name: string) => Promise<{ instance: Resource; attachment: Resource }>;

  beforeAll(async () => {
    cloud = new Cloud({ stateDir: await place(), umask });
    plugin = await cloud.plugin();
    const vpc = await plugin.create(T.vpc, "net", { cidrBlock: "10.77.0.0/16" });
    const subnet = await plugin.create(T.subnet, "net", {
      vpcId: vpc.id,
      cidrBlock: "10.77.0.0/24",
      availabilityZone: ZONE,
    });
    const volume = await plugin.create(T.volume, "data", { availabilityZone: ZONE, size: 1 });
    const { id: ami } = await plugin.invoke("aws:ec2/getAmi:getAmi", { owners: ["136693071363"] });
    make = async (name) => {
      const instance = await plugin.create(T.instance, name, {
        ...{ ami, subnetId: subnet.id, instanceType: "t3.micro", privateIp: "10.77.0.20" },
        userData: "#!/bin/sh\nid -un nobody >/root/user-data-ran\n",
      });
      const attachment = await plugin.create(T.attachment, name, {
        ...{ deviceName: "/dev/sdf", instanceId: instance.id, volumeId: volume.id },
        stopInstanceBeforeDetaching: true,
      });
      await booted(instance.id, "10.77.0.20");
      return { instance, attachment };
    };
  });
  afterAll(() => cloud.dispose());

  test("a host runs there, can be replaced, and goes without a trace", async () => {
    const first = await make("first");
    const device = "/dev/nvme1n1";
    await hostShell(first.instance.id, `echo kept >${device}`);
    // What services on the host may enter and read.
    const modes = "stat -c %a / /etc /var /usr /etc/passwd; cat /root/user-data-ran";
    expect(await hostShell(first.instance.id, modes)).toBe(
      ["755", "755", "755", "755", "644", "nobody"].join("\n"),
    );
    expect(await hostShell(first.instance.id, "setpriv --reuid nobody head -c 4 /etc/passwd")).toBe(
      "root",
    );
    // What dnsmasq and the mirror, which are nobody's, may read here.
    const [vpc = ""] = cloud.ids;
    expect(modeOf("/run/kafkalab")).toBe("755");
    expect(modeOf(`/run/kafkalab/${vpc}`)).toBe("755");
    expect(modeOf(`/run/kafkalab/${vpc}/hosts`)).toBe("644");
    expect(modeOf(join(cloud.stateDir, "cloud"))).toBe("700");

    await plugin.delete(first.attachment);
    await plugin.delete(first.instance);
    const second = await make("second");
    expect(await hostShell(second.instance.id, `head -c 4 ${device}`)).toBe("kept");

    const real = realpathSync(cloud.stateDir);
    await cloud.destroy();
    expect(cloud.records).toEqual([]);
    const { stdout } = await run(["losetup", "--noheadings", "--output", "BACK-FILE"]);
    const { stdout: mounts } = await run([
      "findmnt",
      "--noheadings",
      "--raw",
      "--output",
      "TARGET",
    ]);
    expect((stdout + mounts).split("\n").filter((line) => line.startsWith(`${real}/`))).toEqual([]);
    await must(["rmdir", real]); // empty
  });
});

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe("what iproute2 and systemd-nspawn make in /run", () => {
  const HOST = resolve(__dirname, "../../local-cloud/machine");
  /** Runs lines, with `note` and `restore`, where `/run` is empty; what is in it then. */
  async function inRun(lines: string): Promise<string[]> {
    const file = join(top, "borrowed.ts");
    writeFileSync(
      file,
      `import { execSync } from "node:child_process";
       import { borrow as note, giveBack as restore } from "${HOST}/borrowed";
       const sh = (line: string) => execSync(line, { stdio: ["ignore", "inherit", "inherit"] });
       void (async () => {${lines}})().catch((e) => { console.error(e); process.exitCode = 1; });
       void [note, restore, sh];`,
    );
    const script =
      'while umount -lR /run/netns 2>/dev/null; do :; done; mount -t tmpfs tmpfs /run; node --import tsx "$0"; find /run -mindepth 1 | sort; grep -c " /run/netns " /proc/self/mounts || true';
    const out = await must(["unshare", "--mount", "sh", "-ec", script, file], { cwd: root });
    return out.trim().split("\n");
  }
  const lab = `await note("vpc-1"); sh("ip netns add kl; mkdir -p /run/systemd/nspawn/locks");`;
  const gone = `sh("ip netns delete kl"); await restore("vpc-1");`;

  test("goes with the last lab", async () => {
    expect(await inRun(lab + gone)).toEqual(["0"]);
  });

  test("stays while there is another lab", async () => {
    const others = `${lab} await note("vpc-2"); ${gone}`;
    expect(await inRun(others)).toEqual([
      "/run/kafkalab", "/run/kafkalab/before.json", "/run/kafkalab/vpc-2",
      "/run/netns", "/run/systemd", "/run/systemd/nspawn", "/run/systemd/nspawn/locks", "1",
    ]); // prettier-ignore
  });

  test("stays where it was before, or where others use it", async () => {
    const before = `sh("mkdir -p /run/systemd/nspawn"); ${lab} sh("ip netns add other"); ${gone}`;
    expect(await inRun(before)).toEqual([
      "/run/netns", "/run/netns/other", "/run/systemd", "/run/systemd/nspawn", "1",
    ]); // prettier-ignore
    const mounted = `sh("ip netns add x; ip netns delete x"); ${lab} ${gone}`;
    expect(await inRun(mounted)).toEqual(["/run/netns", "1"]);
  });
});
