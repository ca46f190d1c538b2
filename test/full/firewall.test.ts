import { afterAll, beforeAll, expect, test } from "vitest";
import { type End, ENDS, firewall, type Hook, openWith, STYLES } from "../support/firewalls";
import { Cloud, type Plugin, type Resource } from "../support/local-cloud";
import { T } from "../support/network";
import { SmallMachine } from "../support/small-machine";

/*
 * Firewalls of the machine: whose they are, how they say no, at which hooks, and whether they know
 * established connections. Each is open after the rules that the local cloud names, one after another.
 */

const machine = new SmallMachine();
const cloud = new Cloud({ machine });
let plugin: Plugin;
let vpc: Resource;

beforeAll(async () => {
  await machine.make();
  plugin = await cloud.plugin();
  vpc = await plugin.create(T.vpc, "vpc", { cidrBlock: "10.77.0.0/16" });
});
afterAll(async () => {
  await cloud.dispose();
  await machine.remove();
});

const KINDS: { name: string; hooks: { [hook in Hook | "forward"]?: boolean }; closed: Hook[] }[] = [
  { name: "output alone", hooks: { output: false }, closed: ["output"] },
  { name: "output with established", hooks: { output: true }, closed: ["output"] },
  { name: "input alone", hooks: { input: false }, closed: ["input"] },
  { name: "input with established", hooks: { input: true }, closed: [] },
  { name: "forward alone", hooks: { forward: false }, closed: [] },
  { name: "all, with established", hooks: { input: true, output: true, forward: true }, closed: ["output"] },
  { name: "all, without", hooks: { input: false, output: false, forward: false }, closed: ["output", "input"] },
]; // prettier-ignore

const cases = Object.keys(STYLES).flatMap((style) =>
  (Object.keys(ENDS) as End[]).flatMap((end) => KINDS.map((kind) => ({ style, end, ...kind }))),
);

test.each(cases)("$style, $end: $name", async ({ style: whose, end, hooks, closed }) => {
  const style = STYLES[whose]!;
  const chains = Object.entries(hooks).map(
    ([hook, established]) => [hook, { end, established }] as const,
  );
  await machine.firewall(firewall(style, Object.fromEntries(chains)));
  for (const hook of closed) {
    const error = await plugin.update(vpc, {}).then(
      () => "done",
      (error: Error) => error.message,
    );
    expect(error.split("\n").filter((line) => line.startsWith("  "))).toEqual([
      `  ${style.remedy(hook)}`,
    ]);
    await machine.must("bash", "-c", openWith(style, hook));
  }
  await plugin.update(vpc, {});
  expect(await plugin.diff(vpc)).toMatchObject({ changes: false });
});
