import { listenerPort } from "../lib/kafka-listeners";
import { MOST_HOSTS } from "../lib/names";
import { integer } from "./define";
import { instanceType } from "./instance-type";
import { between } from "./rules";

export const clients = integer({
  name: "clients",
  default: 0,
  rule: between(0, MOST_HOSTS.client, "Take 1"),
  text:
    "The number of client hosts: peter-client01, peter-client02 and so on, in the VPC of the lab. They " +
    "have Kafka's tools, kcat, Python with confluent-kafka and a JDK, and reach the brokers on port " +
    `${listenerPort("inside", "plaintext")} (${listenerPort("inside", "tls")} if kafkalab:security is tls, ` +
    `${listenerPort("inside", "sasl")} if it is sasl), but not ZooKeeper.`,
  change:
    "A change restarts nothing. If you lower it, Pulumi deletes the hosts with the highest numbers and " +
    "everything on them.",
  example: 1,
});

const clientInstanceType = instanceType({
  name: "clientInstanceType",
  defaults: { x86_64: "t3.small", arm64: "t4g.small" },
  text: "The EC2 instance type of the client hosts.",
  change: "A change stops the client hosts and starts them again.",
  example: "t3.large",
});

/** The settings of the client hosts. */
export const CLIENTS = [clients, clientInstanceType] as const;
