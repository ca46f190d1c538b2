import * as pulumi from "@pulumi/pulumi";
import type { SmokeTestResult } from "../operator/kafka/smoke-test";
import type { Wish } from "../operator/wish";
import type { KafkaCluster } from "./kafka-cluster";
import { operate } from "./operator";
import type { ZooKeeperEnsemble } from "./zookeeper-ensemble";

/** Arguments of {@link SmokeTest}. */
export interface SmokeTestArgs {
  zookeeper: ZooKeeperEnsemble;
  kafka: KafkaCluster;
  /** The operator creates the topic with one partition if it does not exist. */
  topic: string;
  replicationFactor: number;
}

/**
 * Proves that the lab works: the operator sends one unique message through the first broker and reads it
 * through the last. Runs again when a broker's host or configuration changes.
 */
export class SmokeTest extends pulumi.ComponentResource {
  readonly result: pulumi.Output<SmokeTestResult>;

  constructor(name: string, args: SmokeTestArgs, opts?: pulumi.ComponentResourceOptions) {
    super("kafkalab:index:SmokeTest", name, {}, opts);
    const { kafka, zookeeper } = args;
    const roundTrip = operate(
      `${name}-round-trip`,
      {
        wish: kafka.targets.apply((brokers): Wish => ({
          kind: "smoke-test",
          brokers,
          topic: args.topic,
          replicationFactor: args.replicationFactor,
        })),
        triggers: kafka.generation,
        timeoutMinutes: 30,
      },
      { parent: this, dependsOn: [...kafka.ready, ...zookeeper.ready] },
    );
    // The wish makes the output secret, because it contains SSH keys. The result contains no secret.
    this.result = pulumi
      .unsecret(roundTrip.stdout)
      .apply((text) => JSON.parse(text) as SmokeTestResult);
    this.registerOutputs({ result: this.result });
  }
}
