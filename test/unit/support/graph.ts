import * as pulumi from "@pulumi/pulumi";
import { vi } from "vitest";
import type { Cloud } from "../../../cli/dry-run/cloud";
import { lookUps, registrations, runProgram, ZONES } from "../../../cli/dry-run/program";
import type { Registration } from "../../../cli/dry-run/registration";
import { type Wish, wish } from "../../../operator/wish";

/** What a program declares, by name, and its stack outputs. */
export interface Graph {
  resources: Registration[];
  byName: (name: string) => Registration;
  ofType: (type: string) => Registration[];
  outputs: Record<string, unknown>;
  secretOutputs: string[];
  /** Tokens of the look-ups. */
  calls: string[];
}

/** Names of what the last program registered, though it failed. */
export function registered(): string[] {
  return registrations().map(({ name }) => name);
}

/** The region of the mock; one of its zones lacks the m7i family. */
const REGION = "xx-test-1";
/** The settings that users must set as secrets. */
const SECRET_SETTINGS = ["kafkalab:userPasswords"];
const offers = (type: string, zone: string) => !(type.startsWith("m7i.") && zone === "b");

/** Runs `index.ts` with these settings against a mock of the cloud, and says what it declares. */
export async function declareLab(
  settings: Record<string, string> = {},
  differences: Partial<Cloud> = {},
): Promise<Graph> {
  vi.resetModules();
  const config = Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [`kafkalab:${key}`, value]),
  );
  const cloud = { region: REGION, zones: ZONES, offers, ...differences };
  const program = await runProgram(config, "test", cloud, SECRET_SETTINGS);
  const outputs: Record<string, unknown> = {};
  const secretOutputs: string[] = [];
  for (const [name, output] of Object.entries(program)) {
    outputs[name] = await valueOf(output);
    if (await pulumi.isSecret(output)) {
      secretOutputs.push(name);
    }
  }
  const resources = registrations();
  return {
    resources,
    outputs,
    secretOutputs,
    calls: lookUps(),
    byName: (name) =>
      only(
        resources.filter((resource) => resource.name === name),
        name,
      ),
    ofType: (type) => resources.filter((resource) => resource.type === type),
  };
}

/** The resources of an existing lab whose inputs change with these settings. */
export async function changedBy(plain: Graph, settings: Record<string, string>): Promise<string[]> {
  const { resources } = await declareLab(settings, { isUp: true });
  const after = new Map(resources.map(({ name, inputs }) => [name, JSON.stringify(inputs)]));
  const differs = ({ name, inputs }: Registration) =>
    // Each run has another id ready; the state keeps the first.
    name !== "lab-id" && after.has(name) && after.get(name) !== JSON.stringify(inputs);
  return plain.resources.filter(differs).map(({ name }) => name);
}

/** The value of an output, once it is known. */
export function valueOf<T>(output: pulumi.Output<T>): Promise<T> {
  return (output as unknown as { promise(): Promise<T> }).promise();
}

/** What a resource asks of the operator, as the operator reads it. */
export function wishOf({ inputs }: Registration): Wish {
  return wish.parse(JSON.parse(String(inputs.stdin)));
}

/** {@link wishOf} of one kind. */
export function wishOfKind<Kind extends Wish["kind"]>(
  resource: Registration,
  kind: Kind,
): Extract<Wish, { kind: Kind }> {
  const found = wishOf(resource);
  if (!isOf(found, kind)) {
    throw new Error(`${resource.name} must ask for ${kind}; got ${found.kind}`);
  }
  return found;
}

function isOf<Kind extends Wish["kind"]>(
  found: Wish,
  kind: Kind,
): found is Extract<Wish, { kind: Kind }> {
  return found.kind === kind;
}

function only(found: Registration[], name: string): Registration {
  const [first] = found;
  if (first === undefined || found.length > 1) {
    throw new Error(`${found.length} resources are named ${name}`);
  }
  return first;
}
