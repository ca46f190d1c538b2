import { z } from "zod";
import { accessDir, writeAccess } from "../hosts/access-files";
import type { Hosts } from "../hosts/hosts";
import type { Stack } from "../lib/stack";
import {
  enterExisting,
  exportedResources,
  resourcesInFile,
  type StateResource,
} from "../pulumi/stacks";

const labOutputs = z.object({
  bootstrapServers: z.string().optional(),
  /** Empty in the output if clients have no access. */
  clientBootstrapServers: z
    .string()
    .transform((servers) => (servers === "" ? undefined : servers))
    .optional(),
  topic: z.string().optional(),
});

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

/** Enters an existing stack and reads its outputs for clients. Decrypts no secret. */
export async function openOutputs(name: string): Promise<{ stack: Stack; outputs: LabOutputs }> {
  const stack = await enterExisting(name);
  const inFile = stack.target === "local" ? resourcesInFile(name) : undefined;
  return { stack, outputs: readOutputs(inFile ?? (await exportedResources(stack, "encrypted"))) };
}

/** The outputs in the state of a stack. */
export function readOutputs(resources: readonly StateResource[]): LabOutputs {
  const stack = resources.find(({ type }) => type === "pulumi:pulumi:Stack");
  return labOutputs.parse(stack?.outputs ?? {});
}

/** Whether the program has stopped every host of the lab. */
export function isPaused(resources: readonly StateResource[]): boolean {
  const states = resources.filter(
    ({ type }) => type === "aws:ec2transitgateway/instanceState:InstanceState",
  );
  return states.length > 0 && states.every(({ inputs }) => inputs?.["state"] === "stopped");
}
