import { isSecure } from "../lib/kafka-security";
import { MOST_HOSTS } from "../lib/names";
import { brokerKeyRule } from "./broker-keys";
import { integer, text, texts } from "./define";
import { decidedBySettings } from "./file-keys";
import { instanceType } from "./instance-type";
import { release } from "./lab";
import { badPlugInKeys } from "./plug-in-keys";
import { between, breach, heap } from "./rules";
import { security } from "./security";
import { volumeOf } from "./volumes";

export const brokers = integer({
  name: "brokers",
  default: 3,
  rule: between(1, MOST_HOSTS.kafka, "Take 3"),
  text: "The number of Kafka brokers.",
  change:
    "If you raise it, partitions move onto the new brokers. If you lower it, partitions move off the " +
    "brokers with the highest numbers, then Pulumi deletes their hosts and volumes. Brokers that " +
    "stay do not restart.",
  example: 5,
});

export const replicationFactor = integer({
  name: "replicationFactor",
  default: 3,
  rule: {
    text: "be from 1 to the number of brokers",
    check: (value, context) => {
      const count = context.get(brokers);
      return (
        breach(value < 1, "be 1 or more", "Take 3, or as many as there are brokers") ??
        breach(
          value > count,
          `not be above the number of brokers (${count})`,
          `Set kafkalab:replicationFactor to ${count} or less, or have ${value} brokers`,
        )
      );
    },
  },
  text:
    "The number of copies of each partition. A write with acks=all needs all of them but one in " +
    "sync (min.insync.replicas).",
  change:
    "A change restarts the brokers one by one, the controller last. Topics that exist keep their " +
    "number of copies.",
  example: 2,
});

export const kafkaVersion = text({
  name: "kafkaVersion",
  default: "3.9.1",
  rule: release("kafka", "be a release below 4.0 (Kafka 4 has no ZooKeeper)"),
  text: "The Kafka release.",
  change:
    "A change restarts the brokers one by one, the controller last. If the release has a newer protocol " +
    "between brokers, they restart a second time for it; after that there is no way back to a " +
    "release with the older protocol.",
  example: "3.9.0",
});

const brokerConfig = texts({
  name: "brokerConfig",
  rule: {
    text: "hold keys that the Kafka release knows and that the lab does not decide",
    each: (all, context) =>
      brokerKeyRule(
        all,
        context.get(kafkaVersion),
        decidedBySettings("brokerKey", context.settings),
        isSecure(context.get(security)),
      ),
    together: badPlugInKeys,
  },
  text:
    "Further keys of server.properties, with their values. Write numbers of more than 64 bits in " +
    "quotes, and no passwords: Pulumi's state and the broker's file hold the values as they are. " +
    "While kafkalab:security is plaintext, brokers connect to one another as User:ANONYMOUS: if you set " +
    "authorizer.class.name, allow that user with super.users, allow.everyone.if.no.acl.found or ACLs.",
  change:
    "Brokers apply a key live if Kafka can change it while they run. For any other key they restart " +
    "one by one, the controller last.",
  example: { "num.io.threads": 16, "queued.max.requests": 1000 },
});

const logRetentionHours = integer({
  name: "logRetentionHours",
  brokerKey: "log.retention.hours",
  default: 72,
  rule: between(1, 87_600, "Take 72, which is three days", "hours"),
  text:
    "How many hours brokers keep the messages of a topic that has no retention.ms of its own. " +
    "log.retention.ms or log.retention.minutes in kafkalab:brokerConfig takes precedence.",
  change: "A change restarts the brokers one by one, the controller last.",
  example: 168,
});

const brokerHeapMiB = integer({
  name: "brokerHeapMiB",
  default: 1024,
  rule: heap,
  text: "The heap of each broker in MiB. Kafka needs the rest of the memory as page cache.",
  change: "A change restarts the brokers one by one, the controller last.",
  example: 2048,
});

const brokerInstanceType = instanceType({
  name: "brokerInstanceType",
  defaults: { x86_64: "t3.medium", arm64: "t4g.medium" },
  heap: { setting: brokerHeapMiB, share: 0.5 },
  text: "The EC2 instance type of the brokers.",
  change: "A change stops all brokers and starts them again.",
  example: "m7i.large",
});

const moveThrottleMiBps = integer({
  name: "moveThrottleMiBps",
  default: 25,
  rule: between(1, 10_000, "Take 25, or as much as the network and the volumes can spare", "MiB/s"),
  text:
    "How many MiB/s flow into and out of each broker while partitions move because the number of " +
    "brokers has changed. It must be more than producers write, or the move never ends.",
  change: "A change applies to the next move of partitions.",
  example: 100,
});

export const brokerVolume = volumeOf("broker", 20);

/** The settings of Kafka. */
export const KAFKA = [
  brokers,
  kafkaVersion,
  brokerConfig,
  replicationFactor,
  logRetentionHours,
  brokerInstanceType,
  brokerHeapMiB,
  ...brokerVolume.settings,
  moveThrottleMiBps,
] as const;
