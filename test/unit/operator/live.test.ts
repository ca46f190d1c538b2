import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Config } from "../../../operator/kafka/configs";
import { type LiveChange, liveChange } from "../../../operator/kafka/live";

const KEY = "log.cleaner.threads";
const [DYNAMIC, STATIC, DEFAULT] = [
  "DYNAMIC_BROKER_CONFIG",
  "STATIC_BROKER_CONFIG",
  "DEFAULT_CONFIG",
];

/** What a broker knows of a key; a source that is undefined does not exist. */
interface Values {
  told?: string | undefined;
  started?: string | undefined;
  fallback?: string | undefined;
}

/** As Kafka lists them: the value that counts first. */
function entryOf({ told, started, fallback }: Values, key = KEY): Config {
  const synonyms = [
    [DYNAMIC, told] as const,
    [STATIC, started] as const,
    [DEFAULT, fallback] as const,
  ].flatMap(([source = "", value]) => (value === undefined ? [] : [{ source, key, value }]));
  return { value: synonyms[0]?.value ?? "null", synonyms };
}

const filesWith = (lines: string) => ({
  ...{ release: "r", logging: "", unit: "", config: `# ${KEY}=9\nbroker.id=1\n${lines}` },
});
const none: LiveChange = { set: new Map(), remove: [], fixed: [] };
const setTo = (value: string): LiveChange => ({ ...none, set: new Map([[KEY, value]]) });
const removed: LiveChange = { ...none, remove: [KEY] };

describe("liveChange", () => {
  test.each<[string, string | undefined, Values, LiveChange]>([
    ["a new value is told", "2", { fallback: "1" }, setTo("2")],
    ["another value is told", "3", { told: "2", started: "4", fallback: "1" }, setTo("3")],
    [
      "one that was told and is in the file now is taken back",
      "2",
      { told: "3", started: "2" },
      removed,
    ],
    ["one that is so already is left alone", "2", { started: "2", fallback: "1" }, none],
    ["one that was told already is not told twice", "3", { told: "3", started: "2" }, none],
    ["one that was told is taken back", undefined, { told: "2", fallback: "1" }, removed],
    [
      "one of the file gives way to the default",
      undefined,
      { started: "2", fallback: "1" },
      setTo("1"),
    ],
    [
      "one of the file without default cannot go",
      undefined,
      { started: "2" },
      { ...none, fixed: [KEY] },
    ],
    ["an empty value is a value", "", { started: "2", fallback: "1" }, setTo("")],
  ])("%s", (_, wanted, values, told) => {
    const files = filesWith(wanted === undefined ? "" : `${KEY}=${wanted}\n`);
    expect(liveChange(files, [KEY], new Map([[KEY, entryOf(values)]]))).toEqual(told);
  });

  test("a synonym under another name does not count: it has another unit", () => {
    const hours = { source: STATIC, key: "log.retention.hours", value: "72" };
    const fallback = { source: DEFAULT, key: "log.retention.hours", value: "168" };
    const told = { source: DYNAMIC, key: "log.retention.ms", value: "60000" };
    const entry = { value: "60000", synonyms: [told, hours, fallback] };
    expect(
      liveChange(filesWith(""), ["log.retention.ms"], new Map([["log.retention.ms", entry]])),
    ).toEqual({ ...none, remove: ["log.retention.ms"] });
  });

  test("a key that the broker does not know is left alone", () => {
    expect(liveChange(filesWith(`${KEY}=2\n`), [KEY], new Map())).toEqual(none);
  });

  test("a key that is not asked for is left alone", () => {
    const entries = new Map([[KEY, entryOf({ fallback: "1" })]]);
    expect(liveChange(filesWith(`${KEY}=2\n`), ["broker.id"], entries)).toEqual(none);
  });
});

describe("any live change", () => {
  const value = fc.option(fc.constantFrom("", "1", "2", "a=b"), { nil: undefined });
  const scene = fc.dictionary(
    fc.constantFrom("a", "b.c", "d"),
    fc.record({ wanted: value, told: value, started: value, fallback: value }),
  );
  const effective = ({ told, started, fallback }: Values) => told ?? started ?? fallback;

  test("gives each key its wanted value, or says that it cannot", () => {
    fc.assert(
      fc.property(scene, (values) => {
        const { change, after } = apply(values);
        for (const [key, { wanted, started, fallback }] of Object.entries(values)) {
          const isFixed = change.fixed.includes(key);
          expect(isFixed).toBe(
            wanted === undefined && started !== undefined && fallback === undefined,
          );
          if (!isFixed) {
            expect(effective(after[key] ?? {}), key).toBe(wanted ?? fallback);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test("tells no more than it must, and nothing a second time", () => {
    fc.assert(
      fc.property(scene, (values) => {
        const { change, after } = apply(values);
        for (const [key, broker] of Object.entries(values)) {
          const touched = [[...change.set.keys()], change.remove, change.fixed];
          expect(touched.flat().filter((each) => each === key).length).toBeLessThanOrEqual(1);
          if (broker.told === undefined && effective(broker) === broker.wanted) {
            expect(touched.flat()).not.toContain(key);
          }
        }
        const again = apply(after).change;
        expect({ set: again.set, remove: again.remove }).toEqual({ set: new Map(), remove: [] });
      }),
      { numRuns: 300 },
    );
  });

  /** What a broker knows once it was told what to change. */
  function apply<Each extends Values & { wanted: string | undefined }>(
    values: Record<string, Each>,
  ) {
    const keys = Object.keys(values);
    const lines = Object.entries(values)
      .filter(([, { wanted }]) => wanted !== undefined)
      .map(([key, { wanted }]) => `${key}=${wanted}\n`);
    const entries = Object.entries(values).map(([key, each]) => [key, entryOf(each, key)] as const);
    const change = liveChange(filesWith(lines.join("")), keys, new Map(entries));
    const after = Object.fromEntries(
      Object.entries(values).map(([key, each]) => {
        const rest = change.remove.includes(key) ? undefined : each.told;
        return [key, { ...each, told: change.set.get(key) ?? rest }];
      }),
    );
    return { change, after };
  }
});
