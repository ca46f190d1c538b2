import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { renderScript } from "../../shared/remote-script";

/*
 * scripts/remote/download.sh with the curl of this machine, against a server that misbehaves.
 */

const ARCHIVE = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 31) % 251));
const FILE = "kafka_2.13-3.9.1.tgz";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let scratch: string;
/** One answer a request, in order; the last one answers all that follow. */
let answers: Answer[];
/** The Range header of each request. */
let ranges: (string | undefined)[];

const server = createServer((request, response) => {
  ranges.push(request.headers.range);
  const answer = answers.length > 1 ? answers.shift() : answers[0];
  answer?.(request, response);
});

beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});

afterAll(() => {
  server.close();
  server.closeAllConnections();
});

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "kafkalab-download-"));
  ranges = [];
  return () => {
    rmSync(scratch, { recursive: true });
  };
});

const partial = () => join(scratch, FILE);

/** Serves an archive as Apache's servers do, from where the client goes on. */
const whole =
  (archive = ARCHIVE): Answer =>
  (request, response) => {
    const first = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    if (first >= archive.length) {
      response.writeHead(416).end();
      return;
    }
    response.writeHead(first === 0 ? 200 : 206, {
      "Content-Length": archive.length - first,
      ...(first > 0 && {
        "Content-Range": `bytes ${first}-${archive.length - 1}/${archive.length}`,
      }),
    });
    response.end(archive.subarray(first));
  };

/** Breaks the connection off after so many bytes. */
const broken =
  (bytes: number): Answer =>
  (request, response) => {
    const first = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    response.writeHead(first === 0 ? 200 : 206, {
      "Content-Length": ARCHIVE.length - first,
      ...(first > 0 && {
        "Content-Range": `bytes ${first}-${ARCHIVE.length - 1}/${ARCHIVE.length}`,
      }),
    });
    response.write(ARCHIVE.subarray(first, first + bytes), () => response.destroy());
  };

/** A server that knows no ranges. */
const wholeFromTheBeginning: Answer = (_, response) => {
  response.writeHead(200, { "Content-Length": ARCHIVE.length }).end(ARCHIVE);
};

const status =
  (code: number): Answer =>
  (_, response) => {
    response.writeHead(code).end("an error page, which is no part of an archive");
  };

/** Runs `download`; pauses take no time, and are counted. */
async function download(settings = "") {
  const { port } = server.address() as AddressInfo;
  const script = `${renderScript(["common.sh", "download.sh"], { HOST: "peter-test01" })}
    PARTIAL=${scratch}
    ${settings}
    sleep() { echo "pause $1"; }
    download http://127.0.0.1:${port}/kafka/3.9.1/${FILE} ${sha512(ARCHIVE)} && echo "got $ARCHIVE" ||
      echo "not got: $SEEN"`;
  const child = spawn("bash", ["-s"], { env: { PATH: process.env.PATH } });
  child.stdin.end(script);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { stdout, stderr };
}

const sha512 = (data: Buffer) => createHash("sha512").update(data).digest("hex");

function expectArchive(stdout: string) {
  expect(stdout).toMatch(/^got \S+$/m);
  expect(readFileSync(partial()).equals(ARCHIVE)).toBe(true);
}

test("an archive comes in one request", async () => {
  answers = [whole()];
  expectArchive((await download()).stdout);
  expect(ranges).toEqual([undefined]);
});

test("a download that breaks off is continued, as often as it brings something", async () => {
  // More often than a server that brings nothing would be asked.
  answers = [...Array.from({ length: 8 }, () => broken(30_000)), whole()];
  const { stdout, stderr } = await download();
  expectArchive(stdout);
  const offsets = ranges.slice(1).map((range) => Number(/\d+/.exec(range ?? "")?.[0]));
  expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
  expect(new Set(offsets).size).toBe(8);
  expect(stderr).toContain(`${FILE}: broken off after 29 KiB, continuing: curl: (18) `);
});

test("what an earlier run has left is continued", async () => {
  writeFileSync(partial(), ARCHIVE.subarray(0, 200_000));
  answers = [whole()];
  expectArchive((await download()).stdout);
  expect(ranges).toEqual(["bytes=200000-"]);
});

test("what an earlier run has brought to its end is not downloaded again", async () => {
  writeFileSync(partial(), ARCHIVE);
  answers = [whole()];
  expectArchive((await download()).stdout);
  expect(ranges).toEqual([`bytes=${ARCHIVE.length}-`]);
});

test("what is damaged is downloaded once more from its beginning", async () => {
  writeFileSync(partial(), Buffer.alloc(200_000));
  answers = [whole()];
  expectArchive((await download()).stdout);
  expect(ranges).toEqual(["bytes=200000-", undefined]);
});

test("a server that cannot continue a download gives it from its beginning", async () => {
  answers = [broken(100_000), wholeFromTheBeginning];
  expectArchive((await download()).stdout);
  expect(ranges).toEqual([undefined, expect.stringMatching(/^bytes=\d+-$/), undefined]);
});

test.each([429, 503])("a server that answers %i is asked again, after a pause", async (code) => {
  answers = [broken(100_000), status(code), status(code), whole()];
  const { stdout } = await download();
  expectArchive(stdout);
  expect(stdout.match(/^pause \d+$/gm)).toEqual(["pause 1", "pause 2", "pause 4"]);
});

test("a server that brings nothing is given up, and what has come is kept", async () => {
  answers = [broken(100_000), status(503)];
  const { stdout } = await download();
  expect(stdout).toContain("not got: the server answered 503\n");
  expect(stdout.match(/^pause \d+$/gm)?.at(-1)).toBe("pause 16");
  const kept = readFileSync(partial());
  expect(kept.length).toBeGreaterThan(0);
  expect(kept.equals(ARCHIVE.subarray(0, kept.length))).toBe(true);
});

test.each([404, 403])("a server that answers %i is asked once", async (code) => {
  answers = [status(code)];
  expect((await download()).stdout).toBe(`not got: the server answered ${code}\n`);
  expect(ranges).toHaveLength(1);
  expect(existsSync(partial())).toBe(false);
});

test("a download has a time of its own", async () => {
  answers = [broken(100_000)];
  const { stdout } = await download("DOWNLOAD_SECONDS=0");
  expect(stdout).toBe("not got: no answer; it was given 0 s\n");
});

test("an archive with the wrong checksum is an error, and is not continued for ever", async () => {
  const wrong = Buffer.from(ARCHIVE);
  wrong[150_000] = 7;
  answers = [whole(wrong)];
  for (const left of [undefined, wrong.subarray(0, 200_000)]) {
    ranges = [];
    if (left !== undefined) {
      writeFileSync(partial(), left);
    }
    const { stdout, stderr } = await download();
    expect(stdout).toBe("");
    expect(stderr).toContain(
      `has the wrong SHA-512: expected ${sha512(ARCHIVE)}, found ${sha512(wrong)}. Nothing was installed.`,
    );
    expect(existsSync(partial())).toBe(false);
    expect(ranges).toHaveLength(left === undefined ? 1 : 2);
  }
});
