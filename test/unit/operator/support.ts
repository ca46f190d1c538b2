import type { ServiceFiles } from "../../../operator/service/files";
import type { KafkaWish } from "../../../operator/wish";

/** A key that a broker can change while it runs. */
export const LIVE = "log.retention.ms";
const FIXED = "num.io.threads";

/** What differs between two states of a broker. */
export interface Facts {
  release?: string;
  protocol?: string;
  live?: string;
  fixed?: string;
}

/** The files of a broker. */
export function files({
  release = "3.9.1",
  protocol = "3.9",
  live = "1",
  fixed = "1",
}: Facts = {}): ServiceFiles {
  return {
    release: `kafka_2.13-${release}`,
    config: `inter.broker.protocol.version=${protocol}\n${LIVE}=${live}\n${FIXED}=${fixed}`,
    ...{ logging: "l", unit: "u" },
  };
}

/** A wish for brokers on the hosts `host1`, `host2` … that all have the same configuration. */
export function kafkaWish(
  count: number,
  { config, release, logging, unit }: ServiceFiles,
  more: Partial<KafkaWish> = {},
): KafkaWish {
  const connection = { host: "x", port: 22, user: "u", privateKey: "k", hostKey: "h" };
  return {
    kind: "kafka",
    service: {
      ...{ name: "kafka-server", user: "kafka", link: "/usr/local/kafka", data: "/data/kafka" },
      ...{ configFile: "c", loggingFile: "l", volumeGiB: 1, release, logging },
    },
    brokers: Array.from({ length: count }, (_, index) => ({
      ...{ id: index + 1, server: `b${index + 1}:9092`, rack: "r", stages: [{ config, unit }] },
      host: { name: `host${index + 1}`, connection },
    })),
    stages: [{}],
    ...{ zookeeper: [], liveKeys: [], hasUserKeys: false, replicationFactor: count },
    ...{ smokeTopic: "s", moveThrottleMiBps: 1 },
    ...more,
  };
}
