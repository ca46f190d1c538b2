import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

/*
 * The state directory is that of the process; so the store is tried in processes of its own.
 */

const HOST = resolve(__dirname, "../../../local-cloud/machine");
let stateDir: string;
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), "kafkalab-store-"));
});
afterEach(() => {
  rmSync(stateDir, { recursive: true });
});

/** Runs a program with the store's and the lock's functions at hand. */
function start(body: string) {
  const file = join(mkdtempSync(join(stateDir, "program-")), "main.ts");
  const names = "import { changeState, readState } from";
  writeFileSync(
    file,
    `${names} "${HOST}/store"; import { withLock } from "${HOST}/lock";
     const add = (id: string) => changeState((state) => {
       state.records[id] = { id, sequence: state.nextSequence++ } as never;
     });
     const log = (text: string) => require("fs").writeSync(1, text + "\\n");
     void (async () => {${body}})().catch((error) => { console.error(error); process.exit(1); });
     void [readState, withLock, add, log];`,
  );
  const child = spawn(process.execPath, ["--import", "tsx", file], {
    env: { ...process.env, KAFKALAB_STATE: stateDir },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, output }));
  const says = async (word: string) => {
    while (!output.includes(word)) {
      await once(child.stdout, "data");
    }
  };
  return { child, ended, says };
}

const file = () => join(stateDir, "cloud/state.json");
const state = () =>
  JSON.parse(readFileSync(file(), "utf8")) as { records: Record<string, { sequence: number }> };

describe("the store", () => {
  test("keeps what several processes write at once", async () => {
    const programs = [0, 1, 2, 3].map((n) =>
      start(`for (let i = 0; i < 25; i++) await add("${n}-" + i);`),
    );
    for (const { ended } of programs) {
      expect((await ended).code).toBe(0);
    }
    const sequences = Object.values(state().records).map((record) => record.sequence);
    expect(sequences.sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
  });

  test("keeps nothing of a change that fails, and all of the one before", async () => {
    const { ended } = start(`
      await add("kept");
      await changeState((state) => { delete state.records["kept"]; throw new Error("no"); })
        .catch((error) => log(error.message));
      log(Object.keys(readState().records).join());`);
    expect(await ended).toEqual({ code: 0, output: "no\nkept\n" });
  });

  test("writes changes together, each whole, without those that fail", async () => {
    const { ended } = start(`
      const fail = changeState((state) => { delete state.records["a"]; throw new Error("no"); });
      const calls = await Promise.allSettled([add("a"), fail, add("b"),
        changeState((state) => Object.keys(state.records).join())]);
      log(calls.map((call) => call.value ?? call.reason?.message ?? "").join("|"));
      log(Object.keys(readState().records).join());`);
    expect(await ended).toEqual({ code: 0, output: "|no||a,b\na,b\n" });
  });

  test("is whole whenever a process is killed while it writes", async () => {
    const { child, ended, says } = start(`log("go"); for (let i = 0; ; i++) await add("r" + i);`);
    await says("go");
    while (!existsSync(file())) {
      await new Promise((tick) => setImmediate(tick));
    }
    child.kill("SIGKILL");
    await ended;
    const before = Object.keys(state().records).length;
    expect(await start(`await add("next");`).ended).toMatchObject({ code: 0 });
    expect(Object.keys(state().records)).toHaveLength(before + 1);
  });

  test("leaves no file when the last record goes, and none that others may read before", async () => {
    await start(`await add("a");`).ended;
    const modes = (await start(`const { statSync } = await import("node:fs");
      for (const f of ["", "/state.json"]) log((statSync("${stateDir}/cloud" + f).mode & 0o777).toString(8));
    `).ended).output; // prettier-ignore
    expect(modes).toBe("700\n600\n");
    await start(`await changeState((state) => { delete state.records["a"]; });`).ended;
    expect(readdirSync(stateDir)).not.toContain("cloud");
  });
});

describe("the lock", () => {
  const holder = `await withLock("x", async () => { log("has it"); await new Promise(() => setInterval(() => {}, 1e6)); });`;

  test("is free at once when its owner is killed", async () => {
    const owner = start(holder);
    await owner.says("has it");
    const waiter = start(`log("asks"); await withLock("x", () => log("has it too"));`);
    await waiter.says("asks");
    const other = start(`await withLock("y", () => log("another one"));`);
    expect(await other.ended).toEqual({ code: 0, output: "another one\n" });
    expect(waiter.child.exitCode).toBeNull();
    owner.child.kill("SIGKILL");
    expect(await waiter.ended).toEqual({ code: 0, output: "asks\nhas it too\n" });
  });

  test("is free after an action that fails, and kept in the order of asking", async () => {
    const { ended } = start(`
      const calls = [1, 2, 3].map((n) => withLock("x", async () => {
        log("in " + n); await null; log("out " + n);
        if (n === 2) throw new Error("two");
      }));
      log((await Promise.allSettled(calls)).map((c) => c.status).join());`);
    expect((await ended).output).toBe(
      "in 1\nout 1\nin 2\nout 2\nin 3\nout 3\nfulfilled,rejected,fulfilled\n",
    );
  });
});
