import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readMetadata } from "../../../operator/kafka/metadata";

const ids = (...list: number[]) => list.map((id) => ({ id }));
const topic = (name: string, leader: number, ...more: number[]) => ({
  topic: name,
  partitions: [0, ...more].map((partition) => ({
    ...{ partition, leader, replicas: ids(1, 2), isrs: ids(2, 1) },
  })),
});
/** As `kcat -L -J` prints it. */
const answer = (controllerid: number, brokers: number[], ...topics: object[]) =>
  JSON.stringify({
    ...{ originating_broker: { id: 1, name: "a:9092/1" }, query: { topic: "*" } },
    ...{ controllerid, brokers: brokers.map((id) => ({ id, name: `a:909${id}` })), topics },
  });

describe("readMetadata", () => {
  test("reads brokers, leaders and replicas", () => {
    expect(readMetadata(answer(2, [2, 1], topic("one", 1)))).toEqual({
      brokers: [1, 2],
      controller: 2,
      partitions: [{ topic: "one", partition: 0, leader: 1, replicas: [1, 2], inSync: [2, 1] }],
    });
  });

  test("has the same order whatever the broker's is", () => {
    const [one, other] = [topic("one", 1, 10, 9), topic("two", 2)];
    const { partitions } = readMetadata(answer(1, [1, 2], other, one));
    expect(partitions).toEqual(readMetadata(answer(1, [1, 2], one, other)).partitions);
    expect(partitions.map((each) => `${each.topic}-${each.partition}`)).toEqual([
      ...["one-0", "one-9", "one-10", "two-0"],
    ]);
  });

  test.each([
    [2, 2],
    [22, 22],
    [0, 0],
    [-1, undefined],
  ])("controller %i", (id, controller) => {
    expect(readMetadata(answer(id, [1, 2, 22])).controller).toBe(controller);
  });

  test("keeps a partition that has no leader", () => {
    const lost = {
      topic: "one",
      partitions: [
        {
          ...{ partition: 0, error: "Broker: Leader not available", leader: -1 },
          ...{ replicas: ids(1, 2), isrs: [] },
        },
      ],
    };
    expect(readMetadata(answer(1, [1], lost)).partitions).toEqual([
      { topic: "one", partition: 0, leader: -1, replicas: [1, 2], inSync: [] },
    ]);
  });

  test.each([
    "",
    "% ERROR: no",
    "{}",
    '{"controllerid":1,"brokers":[{}],"topics":[]}',
    answer(1, []).replace("controllerid", "x"),
  ])("refuses %j", (text) => {
    expect(() => readMetadata(text)).toThrow();
  });

  test("keeps every replica of every partition, in order", () => {
    const replicas = fc.uniqueArray(fc.nat(99), { minLength: 1, maxLength: 5 });
    const topics = fc.dictionary(fc.stringMatching(/^[a-z._-]{1,9}$/), fc.array(replicas));
    fc.assert(
      fc.property(topics, (layout) => {
        const known = Object.entries(layout).map(([name, partitions]) => ({
          topic: name,
          partitions: partitions.map((each, partition) => ({
            ...{ partition, leader: each[0], replicas: ids(...each), isrs: ids(...each) },
          })),
        }));
        const found = readMetadata(answer(1, [], ...known)).partitions;
        expect(found).toHaveLength(Object.values(layout).flat().length);
        for (const { topic: name, partition, replicas: read } of found) {
          expect(read).toEqual(layout[name]?.[partition]);
        }
      }),
    );
  });
});
