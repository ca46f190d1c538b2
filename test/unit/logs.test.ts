import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Entry, journalCommand, readEntry, renderEntry } from "../../cli/logs/journal";
import { Merge } from "../../cli/logs/merge";

const line = (fields: object) =>
  JSON.stringify({
    ...{ __REALTIME_TIMESTAMP: "1796032484552123", PRIORITY: "6", MESSAGE: "hello" },
    ...{ _SYSTEMD_UNIT: "kafka-server.service", SYSLOG_IDENTIFIER: "kafka-server-start.sh" },
    ...fields,
  });

describe("an entry", () => {
  test.each<[string, object, Partial<Entry>]>([
    ["of a service has its name", {}, { source: "kafka-server", message: "hello", priority: 6 }],
    [
      "of another unit has its program",
      { _SYSTEMD_UNIT: "ssh.service" },
      { source: "kafka-server-start.sh" },
    ],
    [
      "of a unit alone",
      { _SYSTEMD_UNIT: "a.service", SYSLOG_IDENTIFIER: undefined },
      { source: "a" },
    ],
    ["of nobody", { _SYSTEMD_UNIT: undefined, SYSLOG_IDENTIFIER: undefined }, { source: "-" }],
    ["of bytes", { MESSAGE: [104, 195, 164, 255] }, { message: "hä\ufffd" }],
    ["with two messages", { MESSAGE: ["one", "two"] }, { message: "one\ntwo" }],
    ["too long for journald", { MESSAGE: null }, { message: "" }],
    ["without a priority", { PRIORITY: undefined }, { priority: 6 }],
    ["that is an error", { PRIORITY: "3" }, { priority: 3 }],
  ])("%s", (_, fields, expected) => {
    expect(readEntry("a", line(fields))).toMatchObject({ host: "a", ...expected });
  });

  test("keeps microseconds", () => {
    expect(readEntry("a", line({}))?.time).toBe(1796032484552123n);
  });

  test.each(["", "-- No entries --", "{", "[]", '{"MESSAGE":"without a time"}'])(
    "%j is none",
    (text) => {
      expect(readEntry("a", text)).toBeUndefined();
    },
  );
});

test("a line has the time in UTC, the host, the source and each line of the message", () => {
  const entry: Entry = {
    ...{ host: "peter-zk01", time: 1796032484552123n, source: "kafka-server", priority: 6 },
    message: "one\n\ttwo \u001b[31mred\r",
  };
  expect(renderEntry(entry, 13).split("\n")).toEqual([
    "2026-11-30 09:54:44.552 peter-zk01    kafka-server: one",
    "2026-11-30 09:54:44.552 peter-zk01    kafka-server: \ttwo ?[31mred?",
  ]);
});

test("what the user writes reaches journalctl as it is", () => {
  const command = journalCommand({
    ...{ since: "1 hour ago; reboot", grep: "it's $HOME", isEverything: false, isFollowed: true },
  });
  expect(command).toContain("'--since=1 hour ago; reboot'");
  expect(command).toContain(` '--grep=it'\\''s $HOME' `);
  expect(command).toContain("'--unit=kafka-server' '--unit=zookeeper-server'");
  expect(command).toMatch(/ '--follow' '--lines=all'$/);
  const all = { since: "today", isEverything: true, isFollowed: false };
  expect(journalCommand(all)).not.toMatch(/--unit|--follow|--grep/);
});

describe("entries of several hosts", () => {
  const at = (host: string, time: number): Entry => ({
    ...{ host, time: BigInt(time), source: "s", priority: 6, message: "m" },
  });
  const shown = ({ host, time }: Entry) => `${host}${time}`;

  test("wait for those that may be earlier", () => {
    const seen: string[] = [];
    const merge = new Merge(["a", "b"], (entry) => seen.push(shown(entry)));
    merge.add(at("a", 1));
    merge.add(at("a", 5));
    expect(seen).toEqual([]);
    merge.add(at("b", 3));
    expect(seen).toEqual(["a1", "b3"]);
    merge.end("b");
    expect(seen).toEqual(["a1", "b3", "a5"]);
  });

  test("do not wait any longer if nothing comes", () => {
    const seen: string[] = [];
    const merge = new Merge(["a", "b"], (entry) => seen.push(shown(entry)));
    merge.add(at("a", 1));
    merge.flush();
    merge.add(at("b", 0));
    merge.flush();
    expect(seen).toEqual(["a1", "b0"]);
  });

  test("come all, and in the order of time", () => {
    const hosts = ["a", "b", "c"];
    const arrivals = fc.array(
      fc.record({ host: fc.constantFrom(...hosts), step: fc.integer({ min: 0, max: 3 }) }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(arrivals, (all) => {
        const seen: Entry[] = [];
        const merge = new Merge(hosts, (entry) => seen.push(entry));
        const clocks = new Map(hosts.map((host) => [host, 0]));
        for (const { host, step } of all) {
          const time = (clocks.get(host) ?? 0) + step;
          clocks.set(host, time);
          merge.add(at(host, time));
        }
        hosts.forEach((host) => merge.end(host));
        const times = seen.map(({ time }) => Number(time));
        expect(times).toHaveLength(all.length);
        expect(times).toEqual([...times].sort((one, other) => one - other));
      }),
    );
  });
});
