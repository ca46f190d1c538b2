import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

/*
 * The state directory is that of the process; so the modules are loaded anew for each test.
 */

let stateDir: string;
let store: typeof import("../../cli/checkpoint/store.js");
beforeEach(async () => {
  stateDir = mkdtempSync(join(tmpdir(), "kafkalab-checkpoint-"));
  vi.stubEnv("KAFKALAB_STATE", stateDir);
  vi.resetModules();
  store = await import("../../cli/checkpoint/store.js");
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(stateDir, { recursive: true });
});

function write(path: string, text: string): void {
  const file = join(stateDir, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

const read = (path: string) => readFileSync(join(stateDir, path), "utf8");

/** A checkpoint without any disk. */
function make(name: string, time: string): void {
  const hosts = ["peter-kafka01", "peter-kafka02", "peter-zk01"];
  store.publish(store.makePart(), { format: 1, name, time, hosts });
}

describe("names", () => {
  test.each(["a", "before-20260101-000000", "Ch.4_1", "x".repeat(64)])("%s is one", (name) => {
    expect(() => store.checkName(name)).not.toThrow();
  });

  test.each(["", ".", "..", ".hidden", "-s", "a/b", "a b", "x".repeat(65), "a\n"])(
    "%j is none",
    (name) => {
      expect(() => store.checkName(name)).toThrow(
        `Checkpoint "${name}": its name must be of 1 to 64 letters, digits, '-', '_' and '.', the first a letter or a digit.`,
      );
    },
  );
});

describe("checkpoints", () => {
  test("are listed by time, with their brokers; what is not whole is none", () => {
    make("second", "2026-01-02T00:00:00Z");
    make("first", "2026-01-03T00:00:00Z");
    store.makePart();
    expect(store.checkpoints().map(({ name }) => name)).toEqual(["second", "first"]);
    expect(store.brokersOf(store.checkpointOf("first"))).toEqual([
      "peter-kafka01",
      "peter-kafka02",
    ]);
  });

  test("are refused by a name that there is not, with those that there are", () => {
    const refusal = 'Checkpoint "none" does not exist.';
    expect(() => store.checkpointOf("none")).toThrow(
      expect.objectContaining({
        message: refusal,
        remedies: ["There are no checkpoints. Create one with: npm run checkpoint -- save NAME"],
      }),
    );
    make("one", "2026-01-01T00:00:00Z");
    expect(() => store.checkpointOf("none")).toThrow(
      expect.objectContaining({ message: refusal, remedies: ["There are: one"] }),
    );
  });

  test("leave no directory when the last is removed", () => {
    make("one", "2026-01-01T00:00:00Z");
    make("two", "2026-01-01T00:00:00Z");
    store.removeCheckpoint("one");
    expect(readdirSync(store.checkpointsDir)).toEqual(["two"]);
    store.removeCheckpoint("two");
    expect(existsSync(store.checkpointsDir)).toBe(false);
  });

  test("what a restore has not exchanged yet is never removed", () => {
    const [part, other] = [store.makePart(), store.makePart()];
    store.noteExchange({ name: "one", part });
    store.removeParts();
    expect([existsSync(part), existsSync(other)]).toEqual([true, false]);
    expect(() => store.refuseDuringExchange()).toThrow(
      'a restore of the checkpoint "one" is incomplete.',
    );
    store.forgetExchange();
    store.removeParts();
    expect(existsSync(part)).toBe(false);
  });
});

test("holes and further names take no room on disk", () => {
  write("tree/file", "x".repeat(8192));
  const size = store.sizeOnDisk(join(stateDir, "tree"));
  expect(size).toBeGreaterThanOrEqual(8192);
  linkSync(join(stateDir, "tree/file"), join(stateDir, "tree/name"));
  write("tree/sparse", "");
  truncateSync(join(stateDir, "tree/sparse"), 2 ** 30);
  expect(store.sizeOnDisk(join(stateDir, "tree"))).toBe(size);
});

test("more than the disk can take is refused, and how much it must have is said", () => {
  expect(() => store.checkSpace("x", 0)).not.toThrow();
  expect(() => store.checkSpace('Checkpoint "x"', 2 ** 60)).toThrow(
    new RegExp(
      `^Checkpoint "x": the file system of ${stateDir} must have 1073741824.5 GiB free \\(1073741824.0 GiB to copy, and 512 MiB for the lab\\); it has [\\d.]+ [MG]iB\\.$`,
    ),
  );
});

describe("the lock", () => {
  const locks = "pulumi/.pulumi/locks/organization/kafkalab/local";

  test("is one of Pulumi's, for as long as the action lasts", async () => {
    const { withStacksLocked } = await import("../../cli/pulumi/backend.js");
    const seen = await withStacksLocked(["local"], () =>
      readdirSync(join(stateDir, locks)).map(
        (file) => JSON.parse(read(`${locks}/${file}`)) as unknown,
      ),
    );
    expect(seen).toEqual([expect.objectContaining({ pid: process.pid })]);
    expect(readdirSync(join(stateDir, locks))).toEqual([]);
  });

  test("is not taken beside another, on whatever stack", async () => {
    const { withStacksLocked } = await import("../../cli/pulumi/backend.js");
    write(`${locks}/other.json`, '{"pid":4711}');
    let ran = false;
    await expect(withStacksLocked(["dev", "local"], () => (ran = true))).rejects.toThrow(
      "the stack local is being changed by another command (process 4711).",
    );
    expect(ran).toBe(false);
    expect(readdirSync(join(stateDir, locks))).toEqual(["other.json"]);
    expect(readdirSync(join(stateDir, locks, "../dev"))).toEqual([]);
  });
});

describe("the exchange of disks and states", () => {
  const moves: [string, string][] = [
    ["cloud", "part/old/cloud"],
    ["part/new/cloud", "cloud"],
    ["pulumi/.pulumi/stacks", "part/old/pulumi/stacks"],
    ["part/new/pulumi/stacks", "pulumi/.pulumi/stacks"],
  ];

  test.each([0, 1, 2, 3, 4])("comes to its end after it died at move %i", async (count) => {
    write("cloud/state.json", "old");
    write("pulumi/.pulumi/stacks/kafkalab/local.json", "old");
    write("part/new/cloud/state.json", "new");
    write("part/new/pulumi/stacks/kafkalab/local.json", "new");
    write("part/new/pulumi/meta.yaml", "version: 1\n");
    for (const [from, to] of moves.slice(0, count)) {
      mkdirSync(dirname(join(stateDir, to)), { recursive: true });
      renameSync(join(stateDir, from), join(stateDir, to));
    }
    mkdirSync(join(stateDir, "cloud"), { recursive: true }); // as set-up does
    const { swap } = await import("../../cli/checkpoint/restore.js");
    swap({ name: "x", part: join(stateDir, "part") });
    expect(read("cloud/state.json")).toBe("new");
    expect(read("pulumi/.pulumi/stacks/kafkalab/local.json")).toBe("new");
    expect(read("pulumi/.pulumi/meta.yaml")).toBe("version: 1\n");
    expect(read("part/old/cloud/state.json")).toBe("old");
    expect(read("part/old/pulumi/stacks/kafkalab/local.json")).toBe("old");
  });

  test("puts a lab where there is none", async () => {
    mkdirSync(join(stateDir, "cloud"));
    write("part/new/cloud/state.json", "new");
    write("part/new/pulumi/stacks/kafkalab/local.json", "new");
    write("part/new/pulumi/meta.yaml", "version: 1\n");
    const { swap } = await import("../../cli/checkpoint/restore.js");
    swap({ name: "x", part: join(stateDir, "part") });
    expect(read("cloud/state.json")).toBe("new");
    expect(existsSync(join(stateDir, "part/old"))).toBe(false);
  });
});
