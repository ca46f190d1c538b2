import { npmRun } from "../lib/npm-run";
import { Refusal } from "../lib/refusal";
import type { LabOutputs } from "./lab";

/** How a client outside the VPC connects to the brokers. */
export interface ClientAccess {
  /** `host:port` of each broker, separated by commas. */
  bootstrapServers: string;
  /** The protocol of the listener, by Kafka's name. */
  protocol: "PLAINTEXT";
}

/** An address for clients of one broker. */
export interface Server {
  host: string;
  port: number;
}

/**
 * How clients connect to the brokers of a stack.
 *
 * @throws Refusal if the brokers have no listener for them.
 */
export function clientAccess(outputs: LabOutputs, stack: string): ClientAccess {
  const { clientBootstrapServers } = outputs;
  if (clientBootstrapServers === undefined) {
    throw new Refusal(
      `the brokers of the stack ${stack} have no listener for clients outside the VPC.`,
      `If an older version created the lab, update it: ${npmRun("up", stack)}`,
      "If kafkalab:clientAllowedCidrs is none, say who may connect, then update the lab. For example:",
      `  pulumi config set --path 'kafkalab:clientAllowedCidrs[0]' 203.0.113.7/32 -s ${stack}`,
      "Without a listener, these commands work: npm run produce, npm run consume",
    );
  }
  return { bootstrapServers: clientBootstrapServers, protocol: "PLAINTEXT" };
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
export function isTunnelled({ bootstrapServers }: ClientAccess): boolean {
  return serversIn(bootstrapServers).every(({ host }) => host === "localhost");
}
