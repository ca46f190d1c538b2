import { minInSyncReplicas } from "./availability";

/**
 * A reason why a topic of healthy brokers rejects or loses the message: the user may set any defaults for
 * the brokers. A value of the topic's own solves this.
 */
export interface Refusal {
  /** The error that `kcat` prints. */
  reason: string;
  /** `key=value` pairs for the topic, separated by commas. */
  config: (replicationFactor: number) => string;
}

const REFUSALS: readonly Refusal[] = [
  {
    reason: "Broker: Message size too large",
    config: () => "max.message.bytes=1048588",
  },
  {
    reason: "Broker: Message batch larger than configured server segment size",
    config: () => "segment.bytes=1048576",
  },
  {
    // Clocks differ by a millisecond or more, so a small message.timestamp.before.max.ms rejects all messages.
    reason: "Broker: Invalid timestamp",
    config: () => "message.timestamp.type=LogAppendTime",
  },
  {
    // All replicas were in sync before, so min.insync.replicas itself is too high.
    reason: "Broker: Not enough in-sync replicas",
    config: (replicationFactor) => `min.insync.replicas=${minInSyncReplicas(replicationFactor)}`,
  },
  {
    // With a short retention the broker deletes the message before the test reads it.
    reason: "Broker: Offset out of range",
    config: () => "retention.ms=3600000",
  },
];

/** Returns the refusal that `kcat` reports, if any. */
export function refusalIn(text: string): Refusal | undefined {
  return REFUSALS.find(({ reason }) => text.includes(reason));
}
