/*
 * The stages of a change of security. All brokers reach a stage before the first one goes on, so that each
 * broker still understands all others. Pure functions: a run that was killed is continued from what the
 * brokers' files say.
 */
import { readProperties } from "../service/properties";
import type { BrokerWish, KafkaWish } from "../wish";
import type { ClusterLook } from "./cluster";

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

/** The keys by which a broker's stage shows. The unit of a broker follows from them. */
const SECURITY_KEY =
  /^(listeners|advertised\.listeners|inter\.broker\.listener\.name|super\.users|zookeeper\.set\.acl)$|^(listener|ssl|sasl|authorizer)\./;

/** Returns the last stage whose security a broker has; -1 if none. */
function stageOf({ stages }: Pick<BrokerWish, "stages">, config: string): number {
  const present = securityIn(config);
  return stages.map((stage) => securityIn(stage.config)).lastIndexOf(present);
}

function securityIn(config: string): string {
  const lines = [...readProperties(config)].filter(([key]) => SECURITY_KEY.test(key));
  return lines
    .map((line) => line.join("="))
    .sort()
    .join("\n");
}
