import { REPLICATION_PORT } from "../../shared/kafka-contact";
import { listenerPort } from "./kafka-listeners";
import { type Security } from "./kafka-security";

/**
 * The port of the brokers for the lab's own tools. While the mode changes they use a listener that every
 * broker has from the beginning of the change to its end.
 */
export function toolPort({ from }: Security): number {
  return from === "plaintext" ? listenerPort("inside", from) : REPLICATION_PORT;
}
