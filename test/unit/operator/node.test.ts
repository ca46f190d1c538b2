import { describe, expect, test } from "vitest";
import type { RemoteHost } from "../../../operator/host";
import { readNodeState, ServiceNode } from "../../../operator/service/node";
import { files, kafkaWish } from "./support";

const FILES = { release: "kafka_2.13-3.9.1", config: "a=1\n", logging: "l\n", unit: "u\n" };

/** What a host prints. */
function state(
  lines: Record<string, string>,
  { ActiveState = "active", SubState = "running", NRestarts = 0 } = {},
): string {
  const systemd = `ActiveState=${ActiveState}\nSubState=${SubState}\nNRestarts=${NRestarts}\n`;
  return Object.entries({ systemd, ...lines })
    .map(([name, text]) => `${name} ${Buffer.from(text).toString("base64")}\n`)
    .join("");
}

describe("readNodeState", () => {
  test("of a service that runs", () => {
    const further = { "/data/kafka-protocol": "3.9\n", "/data/empty": "" };
    const text = state({ ...FILES, written: "note 2\n", running: "note 1\n", ...further });
    expect(readNodeState(text)).toEqual({
      ...{ active: true, restarts: 0, restarting: false, written: "note 2", running: "note 1" },
      files: { release: "kafka_2.13-3.9.1", config: "a=1", logging: "l", unit: "u" },
      further: new Map([
        ["/data/kafka-protocol", "3.9"],
        ["/data/empty", ""],
      ]),
      secrets: [],
    });
  });

  test("of a service that was never configured", () => {
    const text = state({}, { ActiveState: "inactive", SubState: "dead" });
    expect(readNodeState(text)).toEqual({
      ...{ active: false, restarts: 0, restarting: false, written: undefined, running: undefined },
      ...{ files: undefined, further: new Map(), secrets: [] },
    });
  });

  test.each(Object.keys(FILES))("has no files without the %s", (missing) => {
    const rest = Object.entries(FILES).filter(([name]) => name !== missing);
    expect(readNodeState(state(Object.fromEntries(rest))).files).toBeUndefined();
  });

  test("keeps all line ends of a file but the last", () => {
    const text = state({ ...FILES, config: "a=1\n\n\n", "/data/x": "\n\n" });
    const { files, further } = readNodeState(text);
    expect(files?.config).toBe("a=1\n\n");
    expect(further.get("/data/x")).toBe("\n");
  });

  test("reads text that is not ASCII, and equals signs", () => {
    const { files } = readNodeState(state({ ...FILES, config: "# 한국\na=b=c\n" }));
    expect(files?.config).toBe("# 한국\na=b=c");
  });

  test("lists the files that hold secrets", () => {
    const text = state({ ...FILES, secrets: "/etc/a\n/etc/b\n" });
    expect(readNodeState(text).secrets).toEqual(["/etc/a", "/etc/b"]);
  });

  test("does not believe the note of a process that has ended", () => {
    const text = state({ running: "note 1\n" }, { ActiveState: "failed", SubState: "failed" });
    expect(readNodeState(text).running).toBeUndefined();
  });

  test.each([
    ["running", 0, "running", [0, false]],
    ["ended once", 0, "auto-restart", [0, true]],
    ["ended twice", 1, "auto-restart", [1, true]],
    ["started once more", 2, "running", [2, false]],
  ])("a service that has %s", (_, NRestarts, SubState, expected) => {
    const ActiveState = SubState === "running" ? "active" : "activating";
    const found = readNodeState(state({}, { ActiveState, SubState, NRestarts }));
    expect([found.restarts, found.restarting]).toEqual(expected);
  });

  test.each(["", "systemd\n", "no such unit"])("refuses %j", (text) => {
    expect(() => readNodeState(text)).toThrow();
  });
});

describe("the secrets of a node", () => {
  const DIRECTORY = "/etc/kafkalab/kafka-server.secrets";
  const [ONE, TWO] = [`${DIRECTORY}/one`, `${DIRECTORY}/two`];

  /** A node that records the scripts that it runs. */
  function fakeNode() {
    const scripts: { files: readonly string[]; variables: Record<string, string> }[] = [];
    const host: RemoteHost = {
      name: "host1",
      exec: () => Promise.resolve(""),
      script: (names, variables) => {
        scripts.push({ files: names, variables });
        return Promise.resolve("");
      },
      isOpen: () => Promise.resolve(true),
      ask: () => Promise.resolve(""),
    };
    return { node: new ServiceNode(host, kafkaWish(1, files()).service), scripts };
  }

  test("travel with the files, in a form for one line each", async () => {
    const { node, scripts } = fakeNode();
    await node.write({ ...files(), secrets: { [ONE]: "a\n", [TWO]: "b" } });
    await node.write(files());
    expect(scripts.map(({ variables }) => variables.SECRETS)).toEqual([
      `${ONE} YQo=\n${TWO} Yg==`,
      "",
    ]);
  });

  test("go if the wanted files do not name them", async () => {
    const { node, scripts } = fakeNode();
    await node.forgetSecrets({ secrets: [ONE, TWO] }, { secrets: { [TWO]: "b" } });
    await node.forgetSecrets({ secrets: [ONE] }, {});
    expect(scripts).toMatchObject([
      { files: ["service-forget.sh"], variables: { SECRETS_DIRECTORY: DIRECTORY, KEEP: TWO } },
      { files: ["service-forget.sh"], variables: { SECRETS_DIRECTORY: DIRECTORY, KEEP: "" } },
    ]);
  });

  test("cost no request if there are no others", async () => {
    const { node, scripts } = fakeNode();
    await node.forgetSecrets({ secrets: [] }, {});
    await node.forgetSecrets({ secrets: [ONE] }, { secrets: { [ONE]: "a", [TWO]: "b" } });
    expect(scripts).toEqual([]);
  });
});
