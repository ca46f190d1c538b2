/*
 * The operator's requests to Kafka. It runs `kcat` and Kafka's own tools on a broker's host. `kcat` takes
 * 50 ms; each of Kafka's tools starts a JVM, which costs more than a second of CPU.
 */
import { RemoteError, type RemoteHost } from "../host";
import { type Metadata, readMetadata } from "./metadata";
import { KAFKA_HOME } from "../../shared/homes";
import { bootstrap, kcat } from "../../shared/kafka-contact";

const METADATA_SECONDS = 15;
/** Kafka's admin client itself times out after 60 s. */
const TOOL_SECONDS = 120;
/** With the C1 compiler and the serial collector a short run needs half of the CPU time. */
export const TOOL_JVM = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1";

/** No broker answered. */
export class NoAnswer extends Error {
  constructor(servers: readonly string[], reason: string) {
    super(`no answer from ${servers.join(",")}: ${reason}`);
  }
}

/**
 * Returns the cluster's metadata from the first broker that answers. Requests all topics: a request for
 * one topic by name creates the topic if the brokers create topics automatically.
 *
 * @param host The host that runs `kcat`.
 * @param servers `host:port` of brokers.
 * @throws NoAnswer if none answers within 8 s.
 */
export async function metadata(host: RemoteHost, servers: readonly string[]): Promise<Metadata> {
  const command = [...kcat(servers), "-L", "-J", "-m", "8"];
  // Without a limit kcat waits longer after each failure, and notices a starting broker late.
  const backoff = ["-X", "reconnect.backoff.ms=50", "-X", "reconnect.backoff.max.ms=100"];
  try {
    return readMetadata(await host.exec([...command, ...backoff], { seconds: METADATA_SECONDS }));
  } catch (error) {
    throw new NoAnswer(servers, (error as Error).message);
  }
}

/** One of Kafka's tools failed. */
export class ToolError extends Error {
  constructor(
    readonly tool: string,
    /** The tool's output, without stack traces. */
    readonly lines: readonly string[],
  ) {
    super(`${tool} has failed with ${reasonIn(lines)}`);
  }

  /** Kafka's reason in one line. */
  get reason(): string {
    return reasonIn(this.lines);
  }
}

/** Limits and input of a tool. */
export interface ToolOptions {
  /** `host:port` of brokers. */
  servers: readonly string[];
  /** What the tool reads from `/dev/stdin`. @default nothing */
  input?: string;
  /** @default 120 */
  seconds?: number;
}

/**
 * Runs one of Kafka's own tools and returns what it prints on stdout.
 *
 * @param name `kafka-topics.sh`
 * @throws ToolError if the tool fails.
 */
export async function tool(
  host: RemoteHost,
  name: string,
  args: readonly string[],
  { servers, input, seconds = TOOL_SECONDS }: ToolOptions,
): Promise<string> {
  const command = [`${KAFKA_HOME}/bin/${name}`, ...bootstrap(servers), ...args];
  try {
    return await host.exec(["env", `KAFKA_JVM_PERFORMANCE_OPTS=${TOOL_JVM}`, ...command], {
      ...(input !== undefined && { input }),
      seconds,
    });
  } catch (error) {
    throw toolError(name, error);
  }
}

/** Returns the error to throw after a tool's command failed: a {@link ToolError} if the tool has ended. */
export function toolError(name: string, error: unknown): unknown {
  // A lost connection says nothing about the tool.
  if (!(error instanceof RemoteError) || typeof error.status !== "number") {
    return error;
  }
  return new ToolError(name, withoutTrace(`${error.stdout}\n${error.stderr}`));
}

function withoutTrace(text: string): string[] {
  return text.split("\n").filter((line) => line.trim() !== "" && !/^\s+at /.test(line));
}

/** Patterns of the lines in which the tools print their error, the clearest first. */
const REASONS = [
  /^Error while executing \w+ command : (.*)$/,
  /^(?:Caused by: )?java\.util\.concurrent\.ExecutionException: [^:]*: (.*)$/,
];

function reasonIn(lines: readonly string[]): string {
  for (const pattern of REASONS) {
    for (const line of lines) {
      const reason = pattern.exec(line)?.[1];
      if (reason !== undefined) {
        return reason;
      }
    }
  }
  return lines.slice(-3).join("\n") || "no message";
}
