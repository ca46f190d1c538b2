import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lasting } from "../../cli/drill/scripts";
import { Session } from "../../cli/drill/session";

let directory: string;
let mark: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "kafkalab-drill-test-"));
  mark = join(directory, "mark");
});

afterEach(() => rmSync(directory, { recursive: true }));

const hold = (work: string, undo: string) =>
  new Session("the script", ["bash", "-c", lasting(work, undo)]);

test("a script is undone when it is let go of", async () => {
  const session = hold(`touch ${mark}`, `rm ${mark}`);
  await session.line("ready", 10);
  expect(existsSync(mark)).toBe(true);
  expect(await session.end(10)).toBe(0);
  expect(existsSync(mark)).toBe(false);
});

test("a script that fails half-way is undone, and says so", async () => {
  const session = hold(
    `touch ${mark}; echo no such thing >&2; false; touch ${mark}2`,
    `rm ${mark}`,
  );
  await expect(session.line("ready", 10)).rejects.toThrow(
    "the script must print ready, but ended; last saw no such thing",
  );
  expect(await session.ended).toBe(1);
  await expect(session.succeeded()).rejects.toThrow("the script ended with 1: no such thing");
  expect(existsSync(mark)).toBe(false);
  expect(existsSync(`${mark}2`)).toBe(false);
});

test("what cannot be undone is seen in the status", async () => {
  const session = hold("true", `rm ${mark}`);
  await session.line("ready", 10);
  expect(await session.end(10)).not.toBe(0);
});

test("a line that does not come is not waited for without end", async () => {
  const session = new Session("the script", ["cat"]);
  await expect(session.line("ready", 0.2)).rejects.toThrow(
    "the script must print ready, but did not do so within 0.2s; last saw nothing",
  );
  expect(await session.end(10)).toBe(0);
});

test("a script that does not end is left to itself", async () => {
  const session = new Session("the script", ["bash", "-c", "echo ready; exec sleep 600"]);
  await session.line("ready", 10);
  expect(await session.end(0.2)).toBe("SIGKILL");
});
