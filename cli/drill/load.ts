import { count, type LoadReport, readConsumed, readSent } from "./count";
import { waitFor } from "./wait";
import { type DrillHost, Session } from "./session";

export type { LoadReport } from "./count";
export type { DrillHost } from "./session";

/** What a load writes, and how much at most. */
export interface LoadOptions {
  /** Made if it is not there. It should hold no messages but this load's. */
  topic: string;
  partitions: number;
  perSecond: number;
  /** A load that lasts longer ends by itself, which is an error. */
  maxSeconds: number;
  /** `HOST:PORT,…`, as the host knows them. */
  bootstrap: string;
}

const KAFKA = "/usr/local/kafka/bin";
const START_SECONDS = 60;
const READ_SECONDS = 120;
/** For kcat to learn where the partitions are; it would give up after 5 s, which a busy host needs. */
const ASK_SECONDS = 30;
/** How long the producer tries to have a message acknowledged: Kafka's default. */
const DELIVERY_SECONDS = 120;
/** So that each partition gets its share all the time, whatever the others do. */
const KEYS_PER_PARTITION = 8;

/**
 * A load on a cluster: Kafka's own VerifiableProducer with `acks=all` and idempotence, on a host of
 * the lab. Every message that is acknowledged is noted here, so the note outlives the host.
 */
export class Load {
  private readonly runs: Session[] = [];

  private constructor(
    private host: DrillHost,
    private readonly options: LoadOptions,
  ) {}

  /** Starts a load. It runs once the first message has been acknowledged. */
  static async start(host: DrillHost, options: LoadOptions): Promise<Load> {
    const { topic, partitions, bootstrap } = options;
    await host.run(
      `${KAFKA}/kafka-topics.sh --bootstrap-server ${bootstrap} --create --if-not-exists --topic ${topic} --partitions ${partitions}`,
      { timeoutSeconds: START_SECONDS },
    );
    const load = new Load(host, options);
    await load.resume();
    return load;
  }

  /**
   * Starts the producer again, after its host has died. It goes on with the next run of the
   * sequence; what was acknowledged before still counts.
   *
   * @param host Where, from now on. @default where it was
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

  /** How many messages have been acknowledged so far. */
  get acknowledged(): number {
    return readSent(this.lines()).acknowledged.length;
  }

  /** Waits until every partition has acknowledged something that was sent from now on. */
  async flows(seconds: number): Promise<void> {
    const before = this.lines().length;
    await waitFor("the load", "acknowledged by every partition", seconds, () => {
      const { acknowledged } = readSent(this.lines().slice(before));
      const partitions = new Set(acknowledged.map(({ partition }) => partition));
      return (
        partitions.size === this.options.partitions || `acknowledgements of ${partitions.size}`
      );
    });
  }

  /**
   * Ends the load, waits for what is under way, and compares what was acknowledged with what all
   * partitions hold. That wants a cluster that is whole.
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

  /** Ends the load, and leaves it at that. */
  async abandon(): Promise<void> {
    await this.runs.at(-1)?.end(5);
  }

  private lines(): string[] {
    return this.runs.flatMap(({ lines }) => lines);
  }

  /**
   * Ends the producer when it ends itself, or when nobody holds its standard input any more: it then
   * waits until what is under way has been acknowledged. When its host shuts down, which would wait
   * for that, it ends at once.
   */
  private script(run: number): string {
    const { topic, partitions, perSecond, maxSeconds, bootstrap } = this.options;
    return `
exec 3<&0
timeout --kill-after=${DELIVERY_SECONDS} ${maxSeconds + START_SECONDS} \\
  ${KAFKA}/kafka-run-class.sh org.apache.kafka.tools.VerifiableProducer --topic ${topic} \\
  --bootstrap-server ${bootstrap} --acks -1 --value-prefix ${run} \\
  --max-messages ${perSecond * maxSeconds} --throughput ${perSecond} \\
  --repeating-keys ${KEYS_PER_PARTITION * partitions} --producer.config <(printf '%s\\n' \\
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

const isEnd = (line: string) => line.includes('"name":"shutdown_complete"');

/** All messages of a topic, as far as they are committed. */
export async function readTopic(
  host: DrillHost,
  { topic, bootstrap }: { topic: string; bootstrap: string },
) {
  const text = await host.run(
    `timeout ${READ_SECONDS} kcat -C -q -e -m ${ASK_SECONDS} -o beginning -X check.crcs=true -t ${topic} -b ${bootstrap} -f '%p %o %s\\n'`,
    { timeoutSeconds: READ_SECONDS + 10 },
  );
  return readConsumed(text);
}
