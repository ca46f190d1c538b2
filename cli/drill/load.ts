import { count, type LoadReport, readConsumed, readSent } from "./count";
import { type RemoteShell, Session } from "./session";
import { KAFKA_HOME } from "../../shared/homes";
import {
  ADMIN_PROPERTIES,
  bootstrap as reachedBy,
  isSecure,
  kcat,
} from "../../shared/kafka-contact";
import { waitFor } from "../../shared/wait";

export type { LoadReport } from "./count";

/** The options of a load. */
export interface LoadOptions {
  /** The load creates the topic if it does not exist. The topic should contain only messages of this load. */
  topic: string;
  partitions: number;
  perSecond: number;
  /** The load ends by itself after this time. That is an error. */
  maxSeconds: number;
  /** `HOST:PORT,…`, with names that the host can resolve. */
  bootstrap: string;
}

const KAFKA = `${KAFKA_HOME}/bin`;
const START_SECONDS = 60;
const READ_SECONDS = 120;
/** Timeout of kcat's metadata request. The default of 5 s is too short for a busy host. */
const ASK_SECONDS = 30;
/** How long the producer retries a message: Kafka's default delivery timeout. */
const DELIVERY_SECONDS = 120;
/** With several keys for each partition, every partition gets messages all the time. */
const KEYS_PER_PARTITION = 8;

/**
 * A load on a cluster: Kafka's own VerifiableProducer with `acks=all` and idempotence, on a host of the
 * lab. This process records every acknowledged message, so the record survives a failure of the host.
 */
export class Load {
  private readonly runs: Session[] = [];

  private constructor(
    private host: RemoteShell,
    private readonly options: LoadOptions,
  ) {}

  /** Starts a load, and waits until the cluster has acknowledged the first message. */
  static async start(host: RemoteShell, options: LoadOptions): Promise<Load> {
    const { topic, partitions, bootstrap } = options;
    await host.run(
      `${KAFKA}/kafka-topics.sh ${reach(bootstrap)} --create --if-not-exists --topic ${topic} --partitions ${partitions}`,
      { timeoutSeconds: START_SECONDS },
    );
    const load = new Load(host, options);
    await load.resume();
    return load;
  }

  /**
   * Starts the producer again after its host failed. The producer begins a new run of the sequence. Messages
   * that were acknowledged before still count.
   *
   * @param host The producer's new host. @default the former host
   */
  async resume(host = this.host): Promise<void> {
    this.runs.at(-1)?.drop();
    this.host = host;
    const run = Session.on(host, "the load", this.script(this.runs.length));
    this.runs.push(run);
    await run.line('"producer_send_success"', START_SECONDS);
  }

  get topic(): string {
    return this.options.topic;
  }

  /** The number of acknowledged messages so far. */
  get acknowledged(): number {
    return readSent(this.lines()).acknowledged.length;
  }

  /** Waits until every partition has acknowledged a message that was sent after this call. */
  async flows(seconds: number): Promise<void> {
    const before = this.lines().length;
    const state = "acknowledged by every partition";
    await waitFor({ what: "the load", state, seconds }, () => {
      const { acknowledged } = readSent(this.lines().slice(before));
      const { size } = new Set(acknowledged.map(({ partition }) => partition));
      return size === this.options.partitions
        ? { done: true }
        : { seen: `acknowledgements of ${size}` };
    });
  }

  /**
   * Stops the load, waits for pending messages, and compares the acknowledged messages with the messages in
   * all partitions. The cluster must be whole.
   */
  async stop(): Promise<LoadReport> {
    const until = Date.now();
    const run = this.runs.at(-1);
    if (run?.lines.some(isEnd)) {
      throw new Error(
        `${this.host.name}: the load ended by itself after ${this.options.maxSeconds}s. Let it last longer.`,
      );
    }
    await run?.end(DELIVERY_SECONDS + START_SECONDS);
    const consumed = await readTopic(this.host, this.options);
    return count(readSent(this.lines()), consumed, until);
  }

  /** Stops the load without comparing messages. */
  async abandon(): Promise<void> {
    await this.runs.at(-1)?.end(5);
  }

  private lines(): string[] {
    return this.runs.flatMap(({ lines }) => lines);
  }

  /**
   * Runs the producer until it exits or its standard input closes. When the input closes, the producer waits
   * until pending messages are acknowledged. When the host shuts down, the producer exits at once, because
   * it would delay the shutdown.
   */
  private script(run: number): string {
    const { topic, partitions, perSecond, maxSeconds, bootstrap } = this.options;
    const own = isSecure(bootstrap.split(",")) ? `cat ${ADMIN_PROPERTIES}; ` : "";
    return `
exec 3<&0
timeout --kill-after=${DELIVERY_SECONDS} ${maxSeconds + START_SECONDS} \\
  ${KAFKA}/kafka-run-class.sh org.apache.kafka.tools.VerifiableProducer --topic ${topic} \\
  --bootstrap-server ${bootstrap} --acks -1 --value-prefix ${run} \\
  --max-messages ${perSecond * maxSeconds} --throughput ${perSecond} \\
  --repeating-keys ${KEYS_PER_PARTITION * partitions} --producer.config <(${own}printf '%s\\n' \\
    enable.idempotence=true retries=2147483647 delivery.timeout.ms=${DELIVERY_SECONDS}000) \\
  </dev/null 3<&- &
producer=$!
trap 'kill -KILL -- -$producer' TERM
{ cat <&3 >/dev/null; kill $producer; } 2>/dev/null &
wait $producer
status=$?
kill $! 2>/dev/null
exit $status`;
  }
}

/** The options with which Kafka's own tools reach these brokers. */
const reach = (servers: string) => reachedBy(servers.split(",")).join(" ");

const isEnd = (line: string) => line.includes('"name":"shutdown_complete"');

/** Reads all committed messages of a topic. */
export async function readTopic(
  host: RemoteShell,
  { topic, bootstrap }: { topic: string; bootstrap: string },
) {
  const text = await host.run(
    `timeout ${READ_SECONDS} ${kcat(bootstrap.split(",")).join(" ")} -C -q -e -m ${ASK_SECONDS} -o beginning -X check.crcs=true -t ${topic} -f '%p %o %s\\n'`,
    { timeoutSeconds: READ_SECONDS + 10 },
  );
  return readConsumed(text);
}
