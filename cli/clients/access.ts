import { npmRun } from "../lib/npm-run";
import { Refusal } from "../lib/refusal";
import type { LabOutputs } from "./lab";
import { type ClientSecurity, securityOf } from "./security";

/** How a client connects to the brokers. */
export type ClientAccess = ClientSecurity & {
  /** `host:port` of each broker, separated by commas. */
  bootstrapServers: string;
};

/** An address for clients of one broker. */
export interface Server {
  host: string;
  port: number;
}

/**
 * How a client outside the VPC connects to the brokers of a stack.
 *
 * @param user The user as whom it connects. @default none, for a lab without security
 * @throws Refusal if the brokers have no listener for it, or if the user does not fit.
 */
export function clientAccess(outputs: LabOutputs, stack: string, user?: string): ClientAccess {
  const bootstrapServers = clientServers(outputs, stack);
  return { ...securityOf(outputs.clientSecurity, stack, user), bootstrapServers };
}

/**
 * The brokers as clients outside the VPC know them: `host:port` of each, separated by commas.
 *
 * @throws Refusal if the brokers have no listener for clients.
 */
export function clientServers({ clientBootstrapServers }: LabOutputs, stack: string): string {
  if (clientBootstrapServers === undefined) {
    throw new Refusal(
      `the brokers of the stack ${stack} have no listener for clients outside the VPC.`,
      `If an older version created the lab, update it: ${npmRun("up", stack)}`,
      "If kafkalab:clientAllowedCidrs is none, say who may connect, then update the lab. For example:",
      `  pulumi config set --path 'kafkalab:clientAllowedCidrs[0]' 203.0.113.7/32 -s ${stack}`,
      "Without a listener, these commands work: npm run produce, npm run consume",
    );
  }
  return clientBootstrapServers;
}

/** The addresses in a list of bootstrap servers. */
export function serversIn(bootstrapServers: string): Server[] {
  return bootstrapServers.split(",").map((server) => {
    const [, host, port] = /^(.+):(\d+)$/.exec(server) ?? [];
    if (host === undefined || port === undefined) {
      throw new Error(`a bootstrap server must be HOST:PORT; got ${server}`);
    }
    return { host, port: Number(port) };
  });
}

/** Whether clients connect through `npm run tunnel`: the brokers of a private lab say that they are here. */
export function isTunnelled(bootstrapServers: string): boolean {
  return serversIn(bootstrapServers).every(({ host }) => host === "localhost");
}
