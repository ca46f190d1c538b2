import * as pulumi from "@pulumi/pulumi";
import type { Wish } from "../operator/wish";
import type { KafkaCluster } from "./kafka-cluster";
import { type TopicShape } from "./settings/topics";
import { operate } from "./operator";

/** Arguments of {@link Topics}. */
export interface TopicsArgs {
  kafka: KafkaCluster;
  topics: TopicShape[];
  /** The topic of the smoke test. */
  smokeTopic: string;
}

/**
 * Topics of a cluster. The operator checks all of them first: an impossible change of one topic is an
 * error before any topic changes. Then the operator creates missing topics, takes over existing ones,
 * adds partitions and changes configuration live.
 *
 * A topic that is removed from the program stays on the cluster. Only `deleted` deletes it: Pulumi removes
 * resources for many reasons, for example in a paused lab, and deleted messages cannot be restored.
 */
export class Topics extends pulumi.ComponentResource {
  constructor(name: string, args: TopicsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("kafkalab:index:Topics", name, {}, opts);
    const { kafka, topics, smokeTopic } = args;
    const { minInSyncReplicas } = kafka;
    operate(
      `${name}-shape`,
      {
        wish: kafka.targets.apply((brokers): Wish => ({
          kind: "topics",
          brokers,
          topics,
          smokeTopic,
          minInSyncReplicas,
        })),
        triggers: kafka.generation,
        timeoutMinutes: 60,
      },
      { parent: this, dependsOn: kafka.ready },
    );
    this.registerOutputs({});
  }
}
