import * as pulumi from "@pulumi/pulumi";
import { callOf, type Cloud, resourcesOf } from "./cloud";
import { type Registration, type Request, toRegistration } from "./registration";

/** Letters of the zones that a region has. */
export const ZONES = ["a", "b", "c", "d"];

interface Monitor {
  registerResource(request: Request, callback: (error: unknown, answer: unknown) => void): unknown;
}

let requests: Request[] = [];
let calls: string[] = [];

/** What the last program has registered, though it failed. */
export function registrations(): Registration[] {
  return requests.map(toRegistration);
}

/** Tokens of what the last program has looked up. */
export function lookUps(): string[] {
  return calls;
}

/**
 * Runs `index.ts` with this configuration, by full name, against a cloud that only takes notes: no
 * engine, no plugins, no account, no network. Gives the stack outputs; what is declared is in
 * {@link registrations}. A module runs once, so for a second run its caller resets the modules.
 */
export async function runProgram(
  config: Record<string, string>,
  stack: string,
  cloud: Cloud,
): Promise<Record<string, pulumi.Output<unknown>>> {
  const answer = callOf(cloud);
  const call = (args: pulumi.runtime.MockCallArgs) => {
    calls.push(args.token);
    return answer(args);
  };
  await pulumi.runtime.setMocks(
    { newResource: resourcesOf(cloud), call },
    "kafkalab",
    stack,
    false,
  );
  pulumi.runtime.setAllConfig(config);
  requests = [];
  calls = [];
  const monitor = pulumi.runtime.getMonitor() as unknown as Monitor;
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request, callback) => {
    requests.push(request);
    return register(request, callback);
  };

  // A program that fails does so here, once, however many outputs it has.
  const program = (await import("../../index.js")) as Record<string, unknown>;
  const outputs: Record<string, pulumi.Output<unknown>> = {};
  await Promise.allSettled(Object.values(program));
  for (const [name, value] of Object.entries(program)) {
    outputs[name] = pulumi.output(await (value as Promise<unknown>));
  }
  await pulumi.runtime.disconnect();
  return outputs;
}
