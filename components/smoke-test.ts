import * as pulumi from "@pulumi/pulumi";
import type { KafkaCluster } from "./kafka-cluster";
import { firstOf } from "./lib/names";
import { runScript } from "./remote-script";
import type { ZooKeeperEnsemble } from "./zookeeper-ensemble";

/** Arguments of {@link SmokeTest}. */
export interface SmokeTestArgs {
  zookeeper: ZooKeeperEnsemble;
  kafka: KafkaCluster;
  /** Created with one partition if it is not there; one that is there is left as it is. */
  topic: string;
  replicationFactor: number;
}

/** What the smoke test saw. */
export interface SmokeTestResult {
  /** The unique message that it sent, and got back. */
  message: string;
  partition: number;
  offset: number;
  /** Broker id of the partition's leader. */
  leader: number;
  inSyncReplicas: number[];
}

/**
 * Proof that the lab works: one message, never sent before, goes in through the first broker and
 * comes out through the last. Runs again when a broker's host or configuration changes.
 */
export class SmokeTest extends pulumi.ComponentResource {
  readonly result: pulumi.Output<SmokeTestResult>;

  constructor(name: string, args: SmokeTestArgs, opts?: pulumi.ComponentResourceOptions) {
    super("kafkalab:index:SmokeTest", name, {}, opts);
    const { kafka, zookeeper } = args;
    const roundTrip = runScript(
      `${name}-round-trip`,
      {
        host: firstOf(kafka.hosts),
        files: ["kafka.sh", "kafka-brokers.sh", "smoke-test.sh"],
        variables: {
          ...kafka.placing,
          TOPIC: args.topic,
          REPLICATION_FACTOR: String(args.replicationFactor),
          PRODUCE_THROUGH: kafka.bootstrapServers[0] ?? "",
          CONSUME_THROUGH: kafka.bootstrapServers.at(-1) ?? "",
        },
        triggers: kafka.generation,
        timeoutMinutes: 5,
      },
      { parent: this, dependsOn: [...kafka.ready, ...zookeeper.ready] },
    );
    this.result = roundTrip.stdout.apply((text) => JSON.parse(text) as SmokeTestResult);
    this.registerOutputs({ result: this.result });
  }
}
