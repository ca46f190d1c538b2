import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { watch } from "../../cli/status/watch";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** A watch whose looks are numbered, with what it has written so far. */
function watching(replaces: boolean, look?: () => Promise<string>) {
  let signal: (status: number) => void = () => undefined;
  const written: string[] = [];
  let looks = 0;
  const ended = watch(look ?? (() => Promise.resolve(`look ${(looks += 1)}`)), {
    ...{ seconds: 5, replaces, write: (text: string) => written.push(text) },
    end: { status: new Promise<number>((resolve) => (signal = resolve)) },
  });
  return { written, ended, signal: (status: number) => signal(status) };
}

test("looks again and again, and ends with the signal's status during a pause", async () => {
  const { written, ended, signal } = watching(false);
  await vi.advanceTimersByTimeAsync(11_000);
  expect(written).toEqual(["look 1\n", "look 2\n", "look 3\n"]);
  signal(130);
  expect(await ended).toBe(130);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(written).toHaveLength(3);
  expect(vi.getTimerCount()).toBe(0);
});

test("on a terminal each picture replaces the one before it", async () => {
  const { written, ended, signal } = watching(true);
  await vi.advanceTimersByTimeAsync(0);
  expect(written).toEqual(["\u001b[H\u001b[2Jlook 1\n"]);
  signal(130);
  await ended;
});

test("a signal ends a look that does not", async () => {
  const { written, ended, signal } = watching(false, () => new Promise(() => undefined));
  await vi.advanceTimersByTimeAsync(60_000);
  signal(143);
  expect(await ended).toBe(143);
  expect(written).toEqual([]);
});

test("a failed look ends it", async () => {
  const { ended } = watching(false, () => Promise.reject(new Error("no lab")));
  await expect(ended).rejects.toThrow("no lab");
});
