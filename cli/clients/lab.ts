import { z } from "zod";
import { SECURITY_MODES } from "../../components/lib/kafka-security";
import { accessDir, writeAccess } from "../hosts/access-files";
import type { Hosts } from "../hosts/hosts";
import type { Stack } from "../lib/stack";
import {
  enterExisting,
  exportedResources,
  resourcesInFile,
  type StateResource,
} from "../pulumi/stacks";
import { securityOutput } from "./security";

const labOutputs = z.object({
  bootstrapServers: z.string().optional(),
  /** Empty in the output if clients have no access. */
  clientBootstrapServers: z
    .string()
    .transform((servers) => (servers === "" ? undefined : servers))
    .optional(),
  topic: z.string().optional(),
  /** Absent in the state of a lab from an older version. */
  security: z
    .object({
      ...{ from: z.enum(SECURITY_MODES), to: z.enum(SECURITY_MODES) },
      /** When each certificate ends, as RFC 3339. */
      ends: z.record(z.string(), z.string()).optional(),
    })
    .optional(),
  /** Missing if the listeners use PLAINTEXT. It contains private keys and passwords: never print it. */
  clientSecurity: z.preprocess(revealed, securityOutput.optional()),
});

/** Pulumi exports a decrypted secret as JSON. */
const decrypted = z.object({ plaintext: z.string() });

/** The value of an output that may be a secret. */
function revealed(output: unknown): unknown {
  const { success, data } = decrypted.safeParse(output);
  return (success ? (JSON.parse(data.plaintext) as unknown) : output) ?? undefined;
}

/** The outputs of the stack that concern clients. Before the first successful `up` there are none. */
export type LabOutputs = z.infer<typeof labOutputs>;

/** A lab for clients. */
export interface ClientLab {
  stack: Stack;
  hosts: Hosts;
  outputs: LabOutputs;
  /** Whether the setting `running` has stopped all hosts. */
  isPaused: boolean;
  /** The directory of the SSH configuration. */
  directory: string;
}

/** Enters an existing stack, writes its SSH configuration, and reads what clients need. */
export async function openLab(name: string): Promise<ClientLab> {
  const stack = await enterExisting(name);
  const resources = await exportedResources(stack, "clear");
  const directory = accessDir(stack);
  const hosts = await writeAccess(stack, directory, resources);
  return {
    ...{ stack, hosts, directory },
    outputs: readOutputs(resources),
    isPaused: isPaused(resources),
  };
}

/** Enters an existing stack and reads its outputs for clients. Decrypts secrets only if clients need one. */
export async function openOutputs(name: string): Promise<{ stack: Stack; outputs: LabOutputs }> {
  const stack = await enterExisting(name);
  const inFile = stack.target === "local" ? resourcesInFile(name) : undefined;
  const resources = inFile ?? (await exportedResources(stack, "encrypted"));
  const isSecured = revealed(outputsIn(resources)["clientSecurity"]) !== undefined;
  return {
    stack,
    outputs: readOutputs(isSecured ? await exportedResources(stack, "clear") : resources),
  };
}

/**
 * The outputs in the state of a stack.
 *
 * @param resources The resources with decrypted secrets.
 */
export function readOutputs(resources: readonly StateResource[]): LabOutputs {
  return labOutputs.parse(outputsIn(resources));
}

function outputsIn(resources: readonly StateResource[]): Record<string, unknown> {
  return resources.find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs ?? {};
}

/** Whether the program has stopped every host of the lab. */
export function isPaused(resources: readonly StateResource[]): boolean {
  const states = resources.filter(
    ({ type }) => type === "aws:ec2transitgateway/instanceState:InstanceState",
  );
  return states.length > 0 && states.every(({ inputs }) => inputs?.["state"] === "stopped");
}
