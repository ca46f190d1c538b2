import { readMetadata } from "../../operator/kafka/metadata";
import { CommandError, run } from "../../shared/process";
import { CONFIG_ARGUMENTS } from "../hosts/ssh-config";
import { npmRun } from "../lib/npm-run";
import { Refusal } from "../lib/refusal";
import { metadataCommand } from "./kcat";
import type { ClientLab } from "./lab";
import { type ClientSecurity, securityOf } from "./security";
import { secured } from "./secured-command";
import { unknownTopic } from "./topic";

/** ssh's exit status if it cannot connect, or if the connection breaks. */
export const SSH_FAILED = 255;

/** A host of the lab that runs a client for the user. */
export interface RemoteClient {
  host: string;
  /** The directory of the SSH configuration. */
  directory: string;
  /** `host:port` of the brokers, as the lab's hosts know them. */
  servers: string;
  security: ClientSecurity;
}

/** The hosts that can run a client, in the order of preference: hosts for clients, then brokers. */
export function clientHosts({ hosts, isPaused, outputs, stack }: Omit<ClientLab, "directory">): {
  names: string[];
  servers: string;
} {
  const { bootstrapServers } = outputs;
  if (bootstrapServers === undefined) {
    throw new Refusal(
      `the stack ${stack.name} is not complete: it has no output bootstrapServers.`,
      `Complete it: ${npmRun("up", stack.name)}`,
    );
  }
  const running = Object.values(hosts)
    .filter(({ address }) => address !== undefined)
    .map(({ names }) => names[0]);
  const names = ["peter-client", "peter-kafka"].flatMap((prefix) =>
    running.filter((name) => name.startsWith(prefix)).sort(),
  );
  if (isPaused || names.length === 0) {
    throw new Refusal(
      "the lab is paused: none of its brokers runs.",
      `Start it: pulumi config set kafkalab:running true -s ${stack.name}; ${npmRun("up", stack.name)}`,
    );
  }
  return { names, servers: bootstrapServers };
}

/**
 * Finds the first host that SSH reaches, and checks there that the topic exists.
 *
 * @param user The user as whom the client connects. @default none, for a lab without security
 * @throws Refusal if no host answers, Kafka does not answer, there is no such topic, or the user does not fit.
 */
export async function findClient(
  lab: ClientLab,
  topic: string,
  user?: string,
): Promise<RemoteClient> {
  const { names, servers } = clientHosts(lab);
  const { directory } = lab;
  const security = securityOf(lab.outputs.clientSecurity, lab.stack.name, user);
  const unreachable: string[] = [];
  for (const host of names) {
    const topics = await topicsFrom({ host, directory, servers, security });
    if (typeof topics === "string") {
      unreachable.push(`${host}: ${topics}`);
      continue;
    }
    if (!topics.includes(topic)) {
      const broker = names.find((name) => name.startsWith("peter-kafka")) ?? host;
      throw unknownTopic(topic, topics, broker, user);
    }
    return { host, directory, servers, security };
  }
  throw new Refusal("no host answers.", ...unreachable, "See the state of the lab: npm run status");
}

/** The topics of the cluster, or the reason why SSH does not reach the host. */
async function topicsFrom(client: RemoteClient): Promise<string[] | string> {
  const { host, servers, security } = client;
  try {
    const { script, input } = secured(security, metadataCommand(servers));
    const text = await run(sshCommand(client, script), input);
    return [...new Set(readMetadata(text).partitions.map(({ topic }) => topic))];
  } catch (error) {
    if (!(error instanceof CommandError)) {
      throw error;
    }
    const reason = reasonIn(error.stderr);
    if (error.status === SSH_FAILED) {
      return reason;
    }
    throw new Refusal(
      `Kafka does not answer ${host}: ${reason.replace(/^% ERROR: /, "")}`,
      "See the state of the lab: npm run status",
    );
  }
}

/** Why ssh or kcat has failed: librdkafka's log has more about a rejected login than kcat's last line. */
function reasonIn(stderr: string): string {
  const [rejection] =
    /(SASL authentication error|SSL handshake failed): .*?(?= \(after |$)/m.exec(stderr) ?? [];
  return rejection ?? stderr.trim().split("\n").at(-1) ?? "";
}

/** The command line that runs a command on the host, whatever the current directory is. */
export function sshCommand({ directory, host }: RemoteClient, command: string): string[] {
  return ["env", `--chdir=${directory}`, "ssh", ...CONFIG_ARGUMENTS, "-T", host, command];
}
