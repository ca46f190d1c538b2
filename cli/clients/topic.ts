import { listenerPort } from "../../components/lib/kafka-listeners";
import { KAFKA_HOME } from "../../shared/homes";
import { Refusal } from "../lib/refusal";
import type { LabOutputs } from "./lab";

/**
 * The topic of a command.
 *
 * @param named The topic in the command line. @default the topic of the smoke test
 * @throws Refusal if there is none.
 */
export function topicOf(named: string | undefined, { topic }: LabOutputs): string {
  const found = named ?? topic;
  if (found === undefined) {
    throw new Refusal(
      "the command needs the name of a topic: the lab has no topic of the smoke test yet.",
      "Complete the lab: npm run up",
    );
  }
  return found;
}

/**
 * The refusal of a topic that does not exist.
 *
 * @param user The user who sees these topics. @default all topics are visible
 */
export function unknownTopic(
  topic: string,
  topics: readonly string[],
  broker: string,
  user?: string,
): Refusal {
  const shown = topics.filter((each) => !each.startsWith("__"));
  const list = shown.length === 0 ? "There are no topics." : `The topics: ${shown.join(", ")}`;
  if (user !== undefined) {
    return new Refusal(
      `the user ${user} sees no topic ${topic}. ${list}`,
      "Declare the topic with the setting kafkalab:topics, allow the user to describe it with kafkalab:acls,",
      "then run npm run up.",
    );
  }
  return new Refusal(
    `there is no topic ${topic}. ${list}`,
    "Declare it with the setting kafkalab:topics, then run npm run up. Or create it by hand:",
    `  npm run ssh -- ${broker} ${KAFKA_HOME}/bin/kafka-topics.sh --bootstrap-server ${broker}:${listenerPort("inside", "plaintext")} --create --topic ${topic}`,
  );
}
