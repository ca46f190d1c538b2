import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ALL_BROKERS, readConfigs, type Synonym } from "../../../operator/kafka/configs";

/** As plain values, which a test can compare. */
const read = (text: string) =>
  Object.fromEntries(
    [...readConfigs(text)].map(([entity, configs]) => [entity, Object.fromEntries(configs)]),
  );

describe("readConfigs", () => {
  test("reads the topics of one run, also one without any key", () => {
    const text = `Dynamic configs for topic a.b are:
  cleanup.policy=compact,delete sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:cleanup.policy=compact,delete, DEFAULT_CONFIG:log.cleanup.policy=delete}
  leader.replication.throttled.replicas=0:1,0:2 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:leader.replication.throttled.replicas=0:1,0:2}
Dynamic configs for topic peter-overview01 are:
`;
    expect(read(text)).toEqual({
      "a.b": {
        "cleanup.policy": {
          value: "compact,delete",
          synonyms: [
            { source: "DYNAMIC_TOPIC_CONFIG", key: "cleanup.policy", value: "compact,delete" },
            { source: "DEFAULT_CONFIG", key: "log.cleanup.policy", value: "delete" },
          ],
        },
        "leader.replication.throttled.replicas": {
          value: "0:1,0:2",
          synonyms: [
            {
              source: "DYNAMIC_TOPIC_CONFIG",
              key: "leader.replication.throttled.replicas",
              value: "0:1,0:2",
            },
          ],
        },
      },
      "peter-overview01": {},
    });
  });

  test("reads the brokers of one run, and what holds for all of them", () => {
    const text = `Dynamic configs for broker 1 are:
  log.cleaner.threads=2 sensitive=false synonyms={DYNAMIC_BROKER_CONFIG:log.cleaner.threads=2, DYNAMIC_DEFAULT_BROKER_CONFIG:log.cleaner.threads=3, DEFAULT_CONFIG:log.cleaner.threads=1}
Dynamic configs for broker 2 are:
Default configs for brokers in the cluster are:
  log.cleaner.threads=3 sensitive=false synonyms={DYNAMIC_DEFAULT_BROKER_CONFIG:log.cleaner.threads=3}
`;
    const brokers = readConfigs(text);
    expect([...brokers.keys()]).toEqual(["1", "2", ALL_BROKERS]);
    expect(brokers.get("1")?.get("log.cleaner.threads")?.synonyms).toEqual([
      { source: "DYNAMIC_BROKER_CONFIG", key: "log.cleaner.threads", value: "2" },
      { source: "DYNAMIC_DEFAULT_BROKER_CONFIG", key: "log.cleaner.threads", value: "3" },
      { source: "DEFAULT_CONFIG", key: "log.cleaner.threads", value: "1" },
    ]);
    expect(brokers.get("2")?.size).toBe(0);
    expect(brokers.get(ALL_BROKERS)?.get("log.cleaner.threads")?.value).toBe("3");
  });

  const listeners = "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT";
  const jaas = 'x required username="a, b" password="c=d";';
  test.each([
    ["nothing", "a.b= sensitive=false synonyms={}", "a.b", "", []],
    [
      "an empty text",
      "a.b= sensitive=false synonyms={DEFAULT_CONFIG:a.b=}",
      "a.b",
      "",
      [["a.b", ""]],
    ],
    ["no value", "a.b=null sensitive=false synonyms={}", "a.b", undefined, []],
    [
      "a secret",
      "a.b=null sensitive=true synonyms={STATIC_BROKER_CONFIG:a.b=null}",
      "a.b",
      undefined,
      [["a.b", "null"]],
    ],
    [
      "colons and commas",
      `m=${listeners} sensitive=false synonyms={STATIC_BROKER_CONFIG:m=${listeners}, DEFAULT_CONFIG:m=${listeners}}`,
      "m",
      listeners,
      [
        ["m", listeners],
        ["m", listeners],
      ],
    ],
    [
      "blanks and equals signs",
      `j=${jaas} sensitive=false synonyms={STATIC_BROKER_CONFIG:j=${jaas}}`,
      "j",
      jaas,
      [["j", jaas]],
    ],
    [
      "braces",
      "b={x}, {y} sensitive=false synonyms={DEFAULT_CONFIG:b={x}, {y}}",
      "b",
      "{x}, {y}",
      [["b", "{x}, {y}"]],
    ],
  ])("reads a value of %s", (_, line, key, value, synonyms) => {
    const config = readConfigs(`All configs for broker 1 are:\n  ${line}\n`).get("1")?.get(key);
    expect(config?.value).toBe(value);
    expect(config?.synonyms.map((each) => [each.key, each.value])).toEqual(synonyms);
  });

  test.each([
    ["a key of no entity", "  a=b sensitive=false synonyms={}"],
    ["a line of another form", "Dynamic configs for topic t are:\n  a=b"],
    [
      "a synonym of another form",
      "Dynamic configs for topic t are:\n  a=b sensitive=false synonyms={b}",
    ],
    ["another header", "Configs of topic t are:"],
  ])("refuses %s", (_, text) => {
    expect(() => readConfigs(text)).toThrow(/^kafka-configs\.sh: its output must hold/);
    expect(() => readConfigs(text)).toThrow(/got ".+"$/);
  });

  const key = fc.stringMatching(/^[a-z][a-z0-9._-]{0,20}$/);
  const value = fc
    .stringMatching(/^[!-~]([ -~]{0,30}[!-~])?$/)
    .filter((text) => !/ sensitive=|[A-Z]:/.test(text) && text !== "null");
  const source = fc.constantFrom("DYNAMIC_TOPIC_CONFIG", "STATIC_BROKER_CONFIG", "DEFAULT_CONFIG");

  test("reads back any values of one line", () => {
    const synonym = fc.record({ source, key, value });
    const config = fc.tuple(key, value, fc.array(synonym, { maxLength: 3 }));
    const print = (list: Synonym[]) =>
      list.map((each) => `${each.source}:${each.key}=${each.value}`).join(", ");
    fc.assert(
      fc.property(fc.uniqueArray(config, { selector: ([name]) => name }), (configs) => {
        const lines = configs.map(
          ([name, text, synonyms]) =>
            `  ${name}=${text} sensitive=false synonyms={${print(synonyms)}}\n`,
        );
        const found = readConfigs(`All configs for topic t are:\n${lines.join("")}`).get("t");
        expect([...(found ?? [])]).toEqual(
          configs.map(([name, text, synonyms]) => [name, { value: text, synonyms }]),
        );
      }),
    );
  });
});
