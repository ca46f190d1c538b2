import { BROKER_PORT } from "../../components/lib/kafka-listeners";
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

/** The refusal of a topic that does not exist. */
export function unknownTopic(topic: string, topics: readonly string[], broker: string): Refusal {
  const shown = topics.filter((each) => !each.startsWith("__"));
  return new Refusal(
    `there is no topic ${topic}. ${shown.length === 0 ? "There are no topics." : `The topics: ${shown.join(", ")}`}`,
    "Declare it with the setting kafkalab:topics, then run npm run up. Or create it by hand:",
    `  npm run ssh -- ${broker} ${KAFKA_HOME}/bin/kafka-topics.sh --bootstrap-server ${broker}:${BROKER_PORT} --create --topic ${topic}`,
  );
}
