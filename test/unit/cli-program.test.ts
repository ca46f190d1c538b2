import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { afterEach, describe, expect, test, vi } from "vitest";
import { findsOdd } from "../../cli/belongings/first-look";
import { isWhole } from "../../cli/commands/destroy";
import { age, isColorful, table } from "../../cli/lib/output";
import { takeInventory } from "../../cli/pulumi/inventory";
import { isTargeted, refuseNewLab } from "../../cli/pulumi/prepare";
import { hasPendingOperations } from "../../cli/pulumi/recover";
import { COMMANDS, programOf, runCommandLine } from "../../cli/program";
import type { State } from "../../local-cloud/machine/store";

afterEach(() => {
  vi.restoreAllMocks();
});

/** What a command line prints, and how it ended. */
async function commandLine(...argv: string[]) {
  let printed = "";
  const print = (text: string | Uint8Array) => {
    printed += String(text);
    return true;
  };
  vi.spyOn(process.stdout, "write").mockImplementation(print);
  vi.spyOn(process.stderr, "write").mockImplementation(print);
  try {
    return { outcome: await runCommandLine(argv), printed };
  } catch (error) {
    return { code: (error as { code?: string }).code, printed };
  }
}

describe("every command", () => {
  const names = Object.keys(COMMANDS);

  test("is a script of package.json, and every script of lab.sh is a command", () => {
    const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as {
      scripts: Record<string, string>;
    };
    const called = Object.values(scripts).flatMap(
      (script) => /^scripts\/dev\/lab\.sh (\S+)$/.exec(script)?.[1] ?? [],
    );
    expect(called.sort()).toEqual([...names].sort());
  });

  test.each(names)("%s has help with an example and the exit codes", async (name) => {
    const { code, printed } = await commandLine(name, "--help");
    expect(code).toBe("commander.helpDisplayed");
    expect(printed).toMatch(/^Examples?:\n {2}\S/m);
    expect(printed).toContain("Exit codes:");
    expect(printed).toContain("130  interrupted");
  });
});

test.each([
  [["frobnicate"], "commander.unknownCommand", "kafkalab: unknown command 'frobnicate'"],
  [["stats"], "commander.unknownCommand", "Did you mean status?"],
  [["status", "--nope"], "commander.unknownOption", "kafkalab: unknown option '--nope'"],
  [["ssh"], "commander.missingArgument", "kafkalab: missing required argument 'host'"],
  [["checkpoint", "save"], "commander.missingArgument", "missing required argument 'name'"],
  [["cache", "prune", "--unused-for", "x"], "commander.invalidArgument", "a number of days"],
  [["status", "extra"], "commander.excessArguments", "too many arguments"],
  [["client-config", "rust"], "commander.invalidArgument", "Allowed choices are java, librdkafka"],
  [["client-config", "--topic", 'a"b'], "commander.invalidArgument", "1 to 249 letters"],
  [["consume", "--max", "0"], "commander.invalidArgument", "a whole number, 1 or more"],
  [["produce", "--key-separator", ""], "commander.invalidArgument", "one character or more"],
])("%j is refused, and says why", async (argv, code, message) => {
  expect(await commandLine(...argv)).toEqual({
    code,
    printed: expect.stringContaining(message) as string,
  });
});

describe("flags of pulumi", () => {
  /** The flags that the action of a command gets. */
  async function passed(name: string, ...argv: string[]): Promise<[string[], object]> {
    let got: [string[], object] = [[], {}];
    const program = await programOf([name], () => (...args) => {
      got = args as unknown as [string[], object];
      return Promise.resolve();
    });
    const command = program.commands.find((each: Command) => each.name() === name);
    await command?.parseAsync(argv, { from: "user" });
    return got;
  }

  test.each([
    [["--target", "urn:x", "--diff"]],
    [["--config-file", "x.yaml", "--non-interactive", "--color", "never"]],
    [["-t", "urn:x", "--replace=urn:y", "-v=9"]],
  ])("%j reach it in their order", async (argv) => {
    const [flags, options] = await passed("up", "-s", "dev", ...argv);
    expect([flags, options]).toMatchObject([argv, { stack: "dev" }]);
  });

  test("destroy keeps its own", async () => {
    const [flags, options] = await passed(
      "destroy",
      "--yes",
      "--parallel",
      "2",
      "--abandon-restore",
    );
    expect(flags).toEqual(["--parallel", "2"]);
    expect(options).toMatchObject({ yes: true, abandonRestore: true, stack: "local" });
  });

  test("ssh takes all that follows the host as a command", async () => {
    const program = await programOf(["ssh"], () => (...args) => {
      expect(args.slice(0, 2)).toEqual(["peter-kafka01", ["ls", "-s", "--json", "/"]]);
      return Promise.resolve();
    });
    await program.parseAsync(["ssh", "peter-kafka01", "ls", "-s", "--json", "/"], { from: "user" });
    expect.assertions(1);
  });

  test.each([
    [["kcat", "-s", "-b", "localhost:19092"]],
    [["--", "kcat", "-s", "-b", "localhost:19092"]],
  ])("tunnel takes %j as a command", async (words) => {
    const program = await programOf(["tunnel"], () => (...args) => {
      expect(args.slice(0, 2)).toEqual([["kcat", "-s", "-b", "localhost:19092"], { stack: "dev" }]);
      return Promise.resolve();
    });
    await program.parseAsync(["tunnel", "-s", "dev", ...words], { from: "user" });
    expect.assertions(1);
  });
});

test.each([
  [[], true],
  [["--parallel", "2"], true],
  [["--target", "x"], false],
  [["--target=x"], false],
  [["-t", "x"], false],
  [["--exclude", "x"], false],
  [["--preview-only"], false],
])("destroy %j removes the whole lab: %s", (flags, whole) => {
  expect(isWhole(flags)).toBe(whole);
});

describe("a part of a lab", () => {
  test.each([
    [["--target", "urn:x"], true],
    [["-t", "urn:x"], true],
    [["--target=urn:x"], true],
    [["--exclude", "urn:x"], true],
    [["--target-dependents"], false],
    [["--diff"], false],
  ])("is what %j name: %s", (flags, targeted) => {
    expect(isTargeted(flags)).toBe(targeted);
  });

  test("cannot be made of a new lab", () => {
    const stack = { urn: "s", type: "pulumi:pulumi:Stack" };
    const provider = { urn: "p", type: "pulumi:providers:aws", id: "p" };
    expect(() => refuseNewLab([stack, provider])).toThrow(
      "--target and --exclude must name existing resources; this lab has none yet.",
    );
    expect(() =>
      refuseNewLab([stack, { urn: "v", type: "aws:ec2/vpc:Vpc", id: "v" }]),
    ).not.toThrow();
  });
});

describe("a lab", () => {
  const record = (id: string, rest: object = {}) => ({
    ...{ id, type: "aws:ec2/instance:Instance", urn: "urn:pulumi:local::kafkalab::x::y" },
    ...{ run: "", acknowledged: true, sequence: 1, chosen: {}, inputs: { tags: { Name: id } } },
    ...rest,
  });
  const cloud = (...records: ReturnType<typeof record>[]): State => ({
    ...{ nextSequence: 1, sysctls: {} },
    records: Object.fromEntries(records.map((each) => [each.id, each])),
    owners: { s: { directory: "/here", user: "u", since: "" } },
  });
  const known = (...ids: string[]) => ids.map((id) => ({ id, urn: id, type: "t" }));
  const here = (directory: string) => directory === "/here";

  test.each<[string, Parameters<typeof findsOdd>[0], State, string[], boolean]>([
    ["as it should be", "up", cloud(record("a")), ["a"], false],
    ["with something lost, before up", "up", cloud(record("a")), [], true],
    ["with something lost, before destroy", "destroy", cloud(record("a")), [], true],
    ["with something lost, before a drill", "change", cloud(record("a")), [], false],
    ["with a leftover, before up", "up", cloud(record("a", { acknowledged: false })), [], false],
    ["with a leftover, before destroy", "destroy", cloud(record("a", { leaving: true })), [], true],
    ["of another stack", "up", cloud(record("a", { urn: "urn:pulumi:other::" })), [], false],
  ])("%s is odd or not", (_, command, state, ids, odd) => {
    expect(findsOdd(command, "local", state, known(...ids), here)).toBe(odd);
  });

  test("of another checkout, or with a state that cannot be read, is odd", () => {
    expect(findsOdd("change", "local", cloud(), [], () => false)).toBe(true);
    expect(findsOdd("change", "local", cloud(), undefined, here)).toBe(true);
  });

  test("is named before it is removed, with what Pulumi's state has lost", () => {
    const instance = {
      ...{ id: "i-1", urn: "u", type: "aws:ec2/instance:Instance" },
      ...{ inputs: { tags: { Name: "peter-kafka01" } }, created: "2026-01-02T03:04:05Z" },
    };
    const later = {
      ...known("v")[0],
      id: "v",
      urn: "v",
      type: "t",
      created: "2026-01-03T00:00:00Z",
    };
    expect(takeInventory([later, instance], "local", cloud(record("lost")))).toEqual({
      ...{ hosts: ["lost", "peter-kafka01"], resources: 3, made: "2026-01-02T03:04:05Z" },
    });
  });
});

test.each([
  ['{"checkpoint":{"latest":{"pending_operations":[{}]}}}', true],
  ['{"checkpoint":{"latest":{"pending_operations":[]}}}', false],
  ['{"checkpoint":{"latest":null}}', false],
  ['{"checkpoint":{"la', false],
])("operations under way in %s: %s", (text, pending) => {
  expect(hasPendingOperations(text)).toBe(pending);
});

describe("output", () => {
  test("a table has no borders and no blanks at the end", () => {
    expect(table([["A", "BB"], ["ccc", ""]], [])).toBe("A    BB\nccc"); // prettier-ignore
    expect(table([["A", "N"], ["b", "10"]], [1])).toBe("A   N\nb  10"); // prettier-ignore
  });

  test.each([
    [true, {}, true],
    [false, {}, false],
    [true, { NO_COLOR: "1" }, false],
    [true, { NO_COLOR: "" }, true],
    [true, { TERM: "dumb" }, false],
  ])("on a terminal (%s) with %j, colours: %s", (isTTY, env, colorful) => {
    expect(isColorful({ isTTY }, env)).toBe(colorful);
  });

  test.each([
    [30, "less than a minute"],
    [60, "1 minute"],
    [7300, "2 hours"],
    [3 * 86_400 + 5, "3 days"],
  ])("%i seconds are %s", (seconds, text) => {
    expect(age(seconds)).toBe(text);
  });
});

describe("a program on this terminal", () => {
  test.each([
    ["exit 0", 0],
    ["exit 3", 3],
    ["kill -TERM $$", 143],
    // As Ctrl-C reaches both; Pulumi ends a while later, with 0.
    ["trap 'exit 0' INT; kill -INT $PPID; sleep 0.5; kill -INT $$; sleep 9", 130],
    ["trap 'exit 5' INT; kill -INT $PPID; sleep 0.5; kill -INT $$; sleep 9", 5],
  ])("%s ends with %i", (script, status) => {
    const run = `require("./cli/lib/child.ts").runAttached(["bash", "-c", process.argv[1]]).then((is) => process.exit(is))`;
    const argv = ["--import", "tsx", "-e", run, script];
    expect(spawnSync(process.execPath, argv).status).toBe(status);
  });
});
