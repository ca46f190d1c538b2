import * as pulumi from "@pulumi/pulumi";
import { callOf, type Cloud, resourcesOf } from "./cloud";
import { type Registration, type Request, toRegistration } from "./registration";

/** The letters of a region's zones. */
export const ZONES = ["a", "b", "c", "d"];

interface Monitor {
  registerResource(request: Request, callback: (error: unknown, answer: unknown) => void): unknown;
}

let requests: Request[] = [];
let calls: string[] = [];

/** The resources that the last program registered, even if it failed. */
export function registrations(): Registration[] {
  return requests.map(toRegistration);
}

/** The tokens of the functions that the last program called. */
export function lookUps(): string[] {
  return calls;
}

/**
 * Runs `index.ts` with this configuration (by full name) against a cloud that only records calls. It needs
 * no engine, no plugins, no account and no network. Returns the stack outputs. {@link registrations} returns
 * the declared resources. A module runs only once, so the caller must reset the modules before another run.
 *
 * @param secretKeys The full names of the values that are secrets.
 */
export async function runProgram(
  config: Record<string, string>,
  stack: string,
  cloud: Cloud,
  secretKeys: string[] = [],
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
  pulumi.runtime.setAllConfig(config, secretKeys);
  requests = [];
  calls = [];
  const monitor = pulumi.runtime.getMonitor() as unknown as Monitor;
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request, callback) => {
    requests.push(request);
    return register(request, callback);
  };

  // A failing program fails here, once, independent of the number of its outputs.
  const program = (await import("../../index.js")) as Record<string, unknown>;
  const outputs: Record<string, pulumi.Output<unknown>> = {};
  await Promise.allSettled(Object.values(program));
  for (const [name, value] of Object.entries(program)) {
    outputs[name] = pulumi.output(await (value as Promise<unknown>));
  }
  await pulumi.runtime.disconnect();
  return outputs;
}
