import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import pins from "../../../components/lib/archives.json";
import { renderScript } from "../../../shared/remote-script";
import { type Host, hostOf } from "../../support/host";
import { root, useLab } from "../../support/lab";
import { must, run } from "../../support/run";

/*
 * What a host downloads: archives that are not what they should be, over HTTP from a mirror of the
 * test's own, to a host that has none yet; packages while others hold apt's locks. Each test starts
 * from what the one before it left.
 */

const LINK = `kt-${process.pid}`;
/** Of a block for documentation, so nobody's. */
const ADDRESS = `203.0.113.${1 + (process.pid % 254)}`;
const ARCHIVES = join(root, ".lab/archives");

/** What the mirror does to the archive of Kafka. */
let spoil: ((archive: Buffer) => Buffer) | undefined;
/** Paths whose next download breaks off in the middle. */
const fragile = new Set<string>();
/** Offset at which each download began, by path. */
const offsets: Record<string, number[]> = {};
const url = `http://${ADDRESS}`;
const mirror = createServer((request, response) => {
  const path = request.url ?? "";
  const archive = read(path);
  if (archive === undefined) {
    response.writeHead(404).end();
  } else {
    serve(path, request, response, (path.startsWith("/kafka/") && spoil?.(archive)) || archive);
  }
});

function serve(
  path: string,
  { headers }: IncomingMessage,
  response: ServerResponse,
  archive: Buffer,
): void {
  const first = Number(/^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1] ?? 0);
  (offsets[path] ??= []).push(first);
  const rest = archive.subarray(first);
  response.writeHead(first === 0 ? 200 : 206, {
    "Content-Length": rest.length,
    ...(first > 0 && {
      "Content-Range": `bytes ${first}-${archive.length - 1}/${archive.length}`,
    }),
  });
  if (fragile.delete(path)) {
    response.write(rest.subarray(0, rest.length / 2), () => response.destroy());
  } else {
    response.end(rest);
  }
}

const lab = useLab("archives", async (lab) => {
  // An address of the machine's own, which hosts reach as they reach any server outside.
  await must(["ip", "link", "add", LINK, "type", "veth", "peer", "name", `${LINK}p`]);
  await must(["ip", "address", "add", `${ADDRESS}/32`, "dev", LINK]);
  await must(["ip", "link", "set", LINK, "up"]);
  await listen();
  lab.configure({ zookeeperNodes: 1, brokers: 1, replicationFactor: 1, archiveUrl: url });
});

afterAll(async () => {
  await close();
  await run(["ip", "link", "delete", LINK]);
});

async function listen(): Promise<void> {
  mirror.listen(80, ADDRESS);
  await once(mirror, "listening");
}

async function close(): Promise<void> {
  if (mirror.listening) {
    mirror.close();
    mirror.closeAllConnections();
    await once(mirror, "close");
  }
}

test.each<[string, (archive: Buffer) => Buffer]>([
  ["has one wrong byte", withOneWrongByte],
  ["is cut off", (archive) => archive.subarray(0, archive.length / 2)],
])("an archive that %s is refused with both checksums", async (_, change) => {
  spoil = change;
  const { status, output } = await lab.run("up");
  expect(status).not.toBe(0);
  const pin = offered();
  const found = sha512(change(read(pin.path) ?? Buffer.alloc(0)));
  expect(output).toContain(
    `archive ${pin.file} from ${url}${pin.path} has the wrong SHA-512: expected ${pin.sha512}, found ${found}. Nothing was installed.`,
  );
  expect(installed()).toEqual([]);
});

test("a mirror that does not answer is named", async () => {
  await close();
  const { status, output } = await lab.run("up");
  expect(status).not.toBe(0);
  expect(output).toMatch(
    new RegExp(`archive kafka_\\S+ not fetched from ${url}/kafka/\\S+: curl: \\(7\\) `),
  );
  expect(installed()).toEqual([]);
});

test("once the mirror is well, up ends well, and continues a download that breaks off", async () => {
  spoil = undefined;
  await listen();
  const { path } = offered();
  offsets[path] = [];
  fragile.add(path);
  await lab.up();
  expect(installed()).toEqual(["kafka", "kafka_2.13-3.9.1"]);
  expect((await lab.stackOutputs()).smokeTest.inSyncReplicas).toEqual([1]);
  expect(offsets[path]).toEqual([0, expect.any(Number)]);
  expect(offsets[path]?.[1]).toBeGreaterThan(0);
  const broker = hostOf(await lab.hosts(), "peter-kafka01");
  expect(await broker.run("ls /var/cache/kafkalab 2>&1 || true")).toContain("No such file");
});

const LISTS = "/var/lib/apt/lists/lock";
const LOCKS = [
  LISTS,
  "/var/lib/dpkg/lock-frontend",
  "/var/lib/dpkg/lock",
  "/var/cache/apt/archives/lock",
];

/** Makes two packages and a server of them, the host's own file system, in place of Debian's. */
const REPOSITORY = `
set -e
rm -rf /etc/apt/sources.list* /srv/probe && mkdir -p /srv/probe && cd /srv/probe
echo "deb [trusted=yes] file:/srv/probe ./" >/etc/apt/sources.list
for name in probe-one probe-two; do
  mkdir -p $name/DEBIAN $name/usr/bin
  printf '%s\n' "Package: $name" 'Version: 1' 'Architecture: all' 'Maintainer: none <none@foo.bar>' 'Description: probe' >$name/DEBIAN/control
  printf '#!/bin/sh\n' >$name/usr/bin/$name && chmod 755 $name/usr/bin/$name
  dpkg-deb --build $name $name.deb
  { cat $name/DEBIAN/control
    printf '%s\n' "Filename: ./$name.deb" "Size: $(stat -c %s $name.deb)" "SHA256: $(sha256sum <$name.deb | cut -d' ' -f1)" ''
  } >>Packages
done`;

/**
 * Holds locks as apt does, runs the script that comes on stdin, and lets a lock go once the script has
 * named it; but for those that are kept.
 */
const HOLDER = `
use strict; use Fcntl;
my ($keep, @locks) = @ARGV;
my %holders;
for my $lock (@locks) {
  pipe(my $ready, my $say);
  my $pid = fork;
  if (!$pid) {
    open(my $file, "+>>", $lock) or die "$lock: $!";
    my $whole = pack("s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0);
    fcntl($file, F_SETLK, $whole) or die "$lock: $!";
    syswrite($say, "x");
    sleep;
  }
  close($say);
  sysread($ready, my $byte, 1) or die "$lock is not held";
  $holders{$lock} = $pid;
}
open(my $out, "-|", "bash -s 2>&1");
while (my $line = <$out>) {
  print $line;
  for my $lock (keys %holders) {
    kill("KILL", delete $holders{$lock}) if $keep eq "release" && index($line, "$lock.") >= 0;
  }
}
close($out);
my $status = $? >> 8;
kill("KILL", values %holders);
exit $status;`;

/** Installs what a command needs, as an install of the lab does, while locks are held. */
async function install(host: Host, command: string, mode: "release" | "keep", locks: string[]) {
  await host.run("cat >/tmp/holder.pl", { input: HOLDER });
  const script = `${renderScript(["common.sh", "packages.sh"], {
    HOST: host.name,
    PACKAGES: `${command}=${command}`,
  })}${mode === "keep" ? "APT_SECONDS=2\n" : ""}install_packages </dev/null\n`;
  return host.try(`sudo perl /tmp/holder.pl ${mode} ${locks.join(" ")}`, { input: script });
}

test("packages are installed once others let go of apt's locks, each of them", async () => {
  const broker = hostOf(await lab.hosts(), "peter-kafka01");
  await broker.run("sudo bash -s", { input: REPOSITORY });
  const { status, output } = await install(broker, "probe-one", "release", LOCKS);
  expect(status, output).toBe(0);
  for (const lock of LOCKS) {
    expect(output).toContain(`peter-kafka01: waiting for another program: `);
    expect(output).toContain(`Could not get lock ${lock}. It is held by process`);
  }
  await broker.run("probe-one");
});

test("a lock that nobody lets go of ends the wait within its bound, with its name", async () => {
  const broker = hostOf(await lab.hosts(), "peter-kafka01");
  const { status, output } = await install(broker, "probe-two", "keep", [LISTS]);
  expect(status).toBe(1);
  expect(output).toContain(
    "apt-get update not done after 2 s: another program holds a lock; last saw " +
      `E: Could not get lock ${LISTS}. It is held by process`,
  );
});

test("an installation of packages that a loss of power has cut off is brought to its end", async () => {
  const broker = hostOf(await lab.hosts(), "peter-kafka01");
  // As dpkg leaves it: unpacked, with its state in the journal.
  await broker.run(
    "sudo dpkg -r probe-one && sudo dpkg --unpack /srv/probe/probe-two.deb && dpkg -s probe-two | sudo tee /var/lib/dpkg/updates/0000",
  );
  const { status, output } = await install(broker, "probe-one", "release", []);
  expect(status, output).toBe(0);
  expect(output).toContain("peter-kafka01: going on with packages that were not configured\n");
  expect(await broker.run("dpkg-query -W -f '${db:Status-Status} ' probe-one probe-two")).toBe(
    "installed installed ",
  );
});

/** What a request for this path gets from a mirror that is well. */
function read(path: string): Buffer | undefined {
  try {
    return readFileSync(join(ARCHIVES, path));
  } catch {
    return undefined;
  }
}

/** The first of the pinned archives of Kafka that the mirror has. */
function offered() {
  const found = pins.kafka["3.9.1"]
    .map((pin) => ({ ...pin, path: `/kafka/3.9.1/${pin.file}` }))
    .find(({ path }) => read(path) !== undefined);
  if (found === undefined) {
    throw new Error(`${ARCHIVES} holds none of the pinned archives of Kafka`);
  }
  return found;
}

/** What of Kafka, or of an attempt at it, is on the broker. */
function installed(): string[] {
  const broker = lab.recordsOf("Instance").find(({ urn }) => urn.includes("::kafka-1-"));
  const dir = join(lab.stateDir, "cloud/instances", broker?.id ?? "", "root/usr/local");
  return readdirSync(dir)
    .filter((name) => /kafka/.test(name))
    .sort();
}

function withOneWrongByte(archive: Buffer): Buffer {
  const copy = Buffer.from(archive);
  const middle = copy.length >> 1;
  copy[middle] = (copy[middle] ?? 0) ^ 1;
  return copy;
}

function sha512(data: Buffer): string {
  return createHash("sha512").update(data).digest("hex");
}
