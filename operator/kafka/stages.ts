/*
 * The stages of a change of security. All brokers reach a stage before the first one goes on, so that each
 * broker still understands all others. Pure functions: a run that was killed is continued from what the
 * brokers' files say.
 */
import { readProperties } from "../service/properties";
import { KEY_STORE, listenersIn, TRUST_STORE } from "./listeners";
import type { BrokerWish, KafkaWish } from "../wish";
import type { ClusterLook } from "./cluster";

/** The prefix of the keys of the brokers' own listener. */
const REPLICATION = "listener.name.replication";

/**
 * Returns the index of the stage that brokers go to next. It is the last one if they are there, or need not
 * pass the others.
 */
export function nextStage(
  { brokers, stages }: Pick<KafkaWish, "brokers" | "stages">,
  look: Pick<ClusterLook, "brokers">,
): number {
  const reached = look.brokers.flatMap(({ id, files }) => {
    const broker = brokers.find((each) => each.id === id);
    return files === undefined || broker === undefined ? [] : [stageOf(broker, files.config)];
  });
  const last = stages.length - 1;
  // A new broker starts with the files of the stage that the others are at.
  return reached.length === 0 ? last : Math.min(last, Math.min(...reached) + 1);
}

/**
 * Returns the last stage that a broker is at; -1 if none.
 *
 * A broker whose certificate was renewed since is at no stage by its certificate. Then the first stage
 * follows that it is at otherwise, so that the new certificate waits as the former one did.
 */
function stageOf({ stages }: Pick<BrokerWish, "stages">, config: string): number {
  const present = securityIn(config);
  const ofStages = stages.map((stage) => securityIn(stage.config));
  const exact = ofStages.map(({ all }) => all).lastIndexOf(present.all);
  const otherwise = ofStages.findIndex(({ others }) => others === present.others);
  return exact >= 0 ? exact : Math.max(0, otherwise) - 1;
}

/** The security of a broker with this `server.properties`, as texts to compare. */
function securityIn(config: string): { all: string; others: string } {
  const properties = readProperties(config);
  const { interBroker, modes } = listenersIn(config);
  const others = [
    ...[...modes].sort(),
    interBroker,
    properties.get("zookeeper.set.acl"),
    properties.get(`${REPLICATION}${TRUST_STORE}`),
  ].join(" ");
  return { all: `${others} ${properties.get(`${REPLICATION}${KEY_STORE}`)}`, others };
}
