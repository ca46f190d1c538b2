import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { beforeEach, describe, expect, test, vi } from "vitest";

const ROOT = join(__dirname, "../..");

/** What is read in place of a file whose path ends so. */
const changed = new Map<string, (text: string) => string>();

vi.mock("node:fs", async (original) => {
  const fs = await original<typeof import("node:fs")>();
  const read = (path: string, ...rest: [BufferEncoding?]) => {
    const found = fs.readFileSync(path, ...rest);
    const change = [...changed].find(([end]) => path.endsWith(end))?.[1];
    return typeof found === "string" && change !== undefined ? change(found) : found;
  };
  return { ...fs, readFileSync: read };
});

vi.mock("esbuild", async (original) => {
  const esbuild = await original<typeof import("esbuild")>();
  return { ...esbuild, buildSync: vi.fn(esbuild.buildSync) };
});

/** Builds the operator as another process would. */
async function build() {
  vi.resetModules();
  const { buildOperator } = await import("../../components/lib/operator-bundle.js");
  return buildOperator();
}

beforeEach(() => {
  changed.clear();
});

describe("the operator's bundle", () => {
  test("is one file that runs alone, and refuses a text that is no wish", async () => {
    const { file, version } = await build();
    expect(version).toMatch(/^[0-9a-f]{16}$/);
    expect(existsSync(join(ROOT, file))).toBe(true);
    const input = '{"kind":"kafka"}';
    const { status, stdout, stderr } = spawnSync("node", [file], { cwd: ROOT, input });
    expect([status, stdout.toString()]).toEqual([1, ""]);
    expect(stderr.toString()).toContain('"brokers"');
    expect(stderr.toString()).not.toContain("Cannot find module");
  });

  test("is built once in a process, and is the same in another", async () => {
    const { buildOperator } = await import("../../components/lib/operator-bundle.js");
    expect(buildOperator()).toBe(buildOperator());
    expect(await build()).toEqual(buildOperator());
  });

  test("is made again only if a source, or the bundle itself, has changed", async () => {
    const { file } = await build();
    const made = () => statSync(join(ROOT, file)).mtimeMs;
    const before = made();
    await build();
    expect(made()).toBe(before);
    const whole = readFileSync(join(ROOT, file), "utf8");
    writeFileSync(join(ROOT, file), `${whole}\n`);
    await build();
    expect(readFileSync(join(ROOT, file), "utf8")).toBe(whole);
    for (const source of [
      "operator/main.ts",
      "shared/wait.ts",
      "node_modules/ssh2/lib/client.js",
    ]) {
      changed.set(`/${source}`, (text) => `${text}\n`);
      const asked = vi.mocked(buildSync).mock.calls.length;
      await build();
      expect(vi.mocked(buildSync).mock.calls.length, source).toBe(asked + 1);
      changed.clear();
      await build();
    }
  });

  test("has another version with another remote script, and the same with another comment", async () => {
    const { version } = await build();
    changed.set("/scripts/remote/prepare.sh", (text) => `${text}  # A remark.\n# Another one.\n`);
    expect((await build()).version).toBe(version);
    changed.set("/scripts/remote/prepare.sh", (text) => `${text}true\n`);
    expect((await build()).version).not.toBe(version);
  });

  test("is small enough to be read whole: no library twice, no map", async () => {
    const { file } = await build();
    const text = readFileSync(join(ROOT, file), "utf8");
    expect(text).not.toContain("sourceMappingURL");
    expect(text.length).toBeLessThan(2 ** 21);
  });
});
