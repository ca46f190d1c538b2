import * as pulumi from "@pulumi/pulumi";
import type { KafkaCluster } from "./kafka-cluster";
import { firstOf } from "./lib/names";
import { type TopicShape } from "./settings/topics";
import { runScript } from "./remote-script";

/** Arguments of {@link Topic}. */
export interface TopicArgs extends TopicShape {
  kafka: KafkaCluster;
  /** What must have been found possible before anything is changed. */
  after: pulumi.Resource[];
}

/**
 * A topic: made if it is not there, taken over if it is; partitions are added and its configuration
 * is changed live. Removed from the program it stays on the cluster: a topic goes only by
 * `deleted`. Pulumi removes resources for many reasons, such as a pause, and a message has no copy.
 */
export class Topic extends pulumi.ComponentResource {
  constructor(name: string, args: TopicArgs, opts?: pulumi.ComponentResourceOptions) {
    super("kafkalab:index:Topic", name, {}, opts);
    const { kafka } = args;
    const config = Object.entries(args.config).map(([key, value]) => `${key}=${value}`);
    runScript(
      `${name}-shape`,
      {
        host: firstOf(kafka.hosts),
        files: ["kafka.sh", "kafka-brokers.sh", "topic.sh"],
        variables: {
          ...kafka.placing,
          TOPIC: args.name,
          PARTITIONS: String(args.partitions),
          REPLICATION_FACTOR: String(args.replicationFactor),
          CONFIG: config.join("\n"),
          DELETED: String(args.deleted),
        },
        triggers: kafka.generation,
        timeoutMinutes: 5,
      },
      { parent: this, dependsOn: args.after },
    );
    this.registerOutputs({});
  }
}

/** Arguments of {@link Topics}. */
export interface TopicsArgs {
  kafka: KafkaCluster;
  topics: TopicShape[];
  /** The topic of the smoke test. */
  smokeTopic: string;
}

/**
 * Topics of a cluster: one {@link Topic} each, after a look at all of them. What cannot be done to
 * one of them is an error before any is changed.
 */
export class Topics extends pulumi.ComponentResource {
  constructor(name: string, args: TopicsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("kafkalab:index:Topics", name, {}, opts);
    const { kafka, topics } = args;
    const lines = topics
      .filter(({ deleted }) => !deleted)
      .map((topic) => `${topic.name} ${topic.partitions} ${topic.replicationFactor}`);
    const check = runScript(
      `${name}-check`,
      {
        host: firstOf(kafka.hosts),
        files: ["kafka.sh", "topics-check.sh"],
        variables: {
          BOOTSTRAP: kafka.bootstrapServers.slice(0, 3).join(","),
          TOPICS: lines.join("\n"),
          OTHERS: [args.smokeTopic, ...topics.map((topic) => topic.name)].join(" "),
        },
        triggers: kafka.generation,
        timeoutMinutes: 5,
      },
      { parent: this, dependsOn: kafka.ready },
    );
    for (const topic of topics) {
      new Topic(`${name}-${topic.name}`, { ...topic, kafka, after: [check] }, { parent: this });
    }
    this.registerOutputs({});
  }
}
