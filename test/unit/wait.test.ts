import { expect, test } from "vitest";
import { despiteErrors, type Look, waitFor } from "../../shared/wait";

/** Looks that see one of these after the other, the last one for ever. */
function looks(...seen: (Look<string> | Error)[]): () => Look<string> {
  return () => {
    const [next] = seen.length > 1 ? seen.splice(0, 1) : seen;
    if (next === undefined || next instanceof Error) {
      throw next ?? new Error("no looks");
    }
    return next;
  };
}

const WAIT = { what: "the broker", state: "up", seconds: 0.05, intervalMs: 1 };

test("a wait returns what it found", async () => {
  expect(await waitFor(WAIT, looks({ seen: "booting" }, { done: "up" }))).toBe("up");
});

test("a wait that is over says what it saw last, and where to look", async () => {
  const wait = { ...WAIT, logs: "journalctl -u kafka-server" };
  await expect(waitFor(wait, looks({ seen: "off" }, { seen: "booting" }))).rejects.toThrow(
    "the broker not up after 0.05 s; last saw booting; logs: journalctl -u kafka-server",
  );
});

test("an error of a look ends the wait", async () => {
  const look = looks(new Error("no route"), { done: "up" });
  await expect(waitFor(WAIT, look)).rejects.toThrow("no route");
});

test("a wait despite errors goes on, and says what the last error was", async () => {
  const look = looks(new Error("no route"), { done: "up" });
  expect(await waitFor(WAIT, despiteErrors(look))).toBe("up");
  await expect(waitFor(WAIT, despiteErrors(looks(new Error("no route"))))).rejects.toThrow(
    "the broker not up after 0.05 s; last saw no route",
  );
});
