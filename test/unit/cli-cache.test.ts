import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { cacheContents, isWithoutAccessTimes } from "../../cli/cache/entries";
import { prunable, prune } from "../../cli/cache/prune";
import { entriesInUse, entriesNamed } from "../../cli/cache/users";
import { summary } from "../../cli/commands/cache";

const key = (digit: string) => digit.repeat(40);

let top: string;
let cache: string;
beforeEach(() => {
  top = realpathSync(mkdtempSync(join(tmpdir(), "kafkalab-cache-")));
  cache = join(top, "cache");
});
afterEach(() => {
  rmSync(top, { recursive: true });
});

function write(path: string, text = "x"): void {
  mkdirSync(dirname(join(top, path)), { recursive: true });
  writeFileSync(join(top, path), text);
}

function link(path: string, target: string): void {
  mkdirSync(dirname(join(top, path)), { recursive: true });
  symlinkSync(target, join(top, path));
}

const entry = (kind: string, digit: string) => write(`cache/${kind}/${key(digit)}/.manifest`);

test("a text names entries by their paths, mounts and stamps", () => {
  const text = [
    `"imageRoot": "/c/images/${key("1")}/root"`,
    `kafkalab:${key("2")} /run/x overlay rw 0 0`,
    `npm/${key("3")}`,
    `/other/images/${key("4")}`,
    `/c/images/${key("5")}6`,
  ].join("\n");
  expect(entriesNamed(text, "/c")).toEqual([
    `images/${key("1")}`,
    `images/${key("2")}`,
    `npm/${key("3")}`,
  ]);
});

describe("in use is what", () => {
  const used = () => {
    const user = { checkout: join(top, "checkout"), state: join(top, "state") };
    return [...entriesInUse(cache, [user], [])].sort();
  };

  test("a checkout links to, with the releases behind its archives", () => {
    link("checkout/.lab/bin", join(cache, "tools", key("a")));
    link("checkout/.lab/image", join(cache, "images", key("b"), "root"));
    link("checkout/.lab/archives", join(cache, "archives", key("c")));
    link(`cache/archives/${key("c")}/kafka/3.9.1`, join(cache, "releases", key("d")));
    write("checkout/node_modules/.kafkalab-key", `${key("e")}\n`);
    expect(used()).toEqual([
      `archives/${key("c")}`,
      `images/${key("b")}`,
      `npm/${key("e")}`,
      `releases/${key("d")}`,
      `tools/${key("a")}`,
    ]);
  });

  test("labs and checkpoints stand on, though no host runs", () => {
    const state = (digit: string) => `{"imageRoot": "${cache}/images/${key(digit)}/root"}`;
    write("state/cloud/state.json", state("1"));
    write("state/checkpoints/one/cloud/state.json", state("2"));
    write("state/checkpoints/.part-1/old/cloud/state.json", state("3"));
    link("state/home/plugins/resource-tls-v5/p", join(cache, "plugins", key("4"), "p"));
    expect(used()).toEqual([
      `images/${key("1")}`,
      `images/${key("2")}`,
      `images/${key("3")}`,
      `plugins/${key("4")}`,
    ]);
  });
});

test("what is in use, or was lately, stays", () => {
  const day = (lastUsed: string) => ({ lastUsed: `2026-01-${lastUsed}T00:00:00.000Z` });
  const one = (name: string, inUse: boolean, rest: { lastUsed?: string }) => ({
    ...{ kind: "images", key: name, path: name, bytes: 1, inUse, ...rest },
  });
  const entries = [
    one("old", false, day("01")),
    one("used", true, day("01")),
    one("new", false, day("09")),
    one("unknown", false, {}),
  ];
  const names = (days: number) =>
    prunable(entries, days, Date.parse("2026-01-10T00:00:00Z")).map(({ key: name }) => name);
  expect(names(7)).toEqual(["old"]);
  expect(names(0)).toEqual(["old", "new", "unknown"]);
});

test("prune removes entries and what killed runs left, and nothing else", async () => {
  entry("tools", "a");
  entry("images", "b");
  write(`cache/images/.broken-${key("c")}-12/root/file`);
  write("cache/images/notes");
  write("cache/apt/package.deb");
  write("outside/file");
  link(`cache/images/${key("b")}/outside`, join(top, "outside"));
  const gone = await prune(cache, (entries) => prunable(entries, 0));
  expect(gone.map(({ path }) => path).sort()).toEqual([
    `images/.broken-${key("c")}-12`,
    `images/${key("b")}`,
    `tools/${key("a")}`,
  ]);
  expect(existsSync(join(cache, "tools", key("a")))).toBe(false);
  for (const path of ["cache/images/notes", "cache/apt/package.deb", "outside/file"]) {
    expect(existsSync(join(top, path)), path).toBe(true);
  }
});

test("the kinds are summed up, with what is no entry below them", async () => {
  entry("images", "a");
  entry("images", "b");
  write("cache/apt/package.deb");
  const lines = summary(await cacheContents(cache)).split("\n");
  expect(lines[1]).toMatch(/^images +2 +1 MiB +0 +2 \(1 MiB\) +(20\d\d-\d\d-\d\d|unknown)$/);
  expect(lines[2]).toMatch(/^apt +1 MiB$/);
});

test.each([
  ["/c/x", "d / ext4 rw,noatime 0 0\n", true],
  ["/c/x", "d / ext4 rw,relatime 0 0\n", false],
  ["/c/x", "d / ext4 rw,noatime 0 0\ne /c ext4 rw,relatime 0 0\n", false],
  ["/cc", "d / ext4 rw 0 0\ne /c ext4 rw,noatime 0 0\n", false],
])("whether %s has access times, of %j: not %s", (directory, mounts, without) => {
  expect(isWithoutAccessTimes(directory, mounts)).toBe(without);
});
