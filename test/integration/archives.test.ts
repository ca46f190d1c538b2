import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import pins from "../../components/lib/archives.json";
import { root, useLab } from "../support/lab";
import { must, run } from "../support/run";

/*
 * Archives that are not what they should be, over HTTP from a mirror of the test's own, to a host
 * that has none yet. Each test starts from what the one before it left.
 */

const LINK = `kt-${process.pid}`;
/** Of a block for documentation, so nobody's. */
const ADDRESS = `203.0.113.${1 + (process.pid % 254)}`;
const ARCHIVES = join(root, ".lab/archives");

/** What the mirror does to the archive of Kafka. */
let spoil: ((archive: Buffer) => Buffer) | undefined;
const url = `http://${ADDRESS}`;
const mirror = createServer((request, response) => {
  const archive = read(request.url ?? "");
  const spoilt = request.url?.startsWith("/kafka/") === true ? spoil : undefined;
  response.writeHead(archive === undefined ? 404 : 200);
  response.end(archive && (spoilt?.(archive) ?? archive));
});

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

test("once the mirror is well, up ends well", async () => {
  spoil = undefined;
  await listen();
  await lab.up();
  expect(installed()).toEqual(["kafka", "kafka_2.13-3.9.1"]);
  expect((await lab.stackOutputs()).smokeTest.inSyncReplicas).toEqual([1]);
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
