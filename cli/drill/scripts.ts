/*
 * Parts of scripts that drills run on the hosts as root. A lasting script prints `ready` after it has made
 * its changes. It undoes them when its standard input closes, when it fails, or when a signal ends it.
 */
import { bootstrap } from "../../shared/kafka-contact";
import { KAFKA_HOME } from "../../shared/homes";

/** Directory for a drill's files on a host. A reboot deletes it, because /run is in memory. */
export const DIRECTORY = "/run/kafkalab-drill";

/** Returns a script that makes changes, and undoes them when the drill releases it. */
export function lasting(work: string, undo: string): string {
  return `set -eu
undo() {
  set +e
  trap - EXIT HUP INT TERM
  ${undo.trim()}
}
trap undo EXIT
trap 'exit 1' HUP INT TERM
${work.trim()}
echo ready
cat >/dev/null
trap - HUP INT TERM
undo
`;
}

/** Adds lines to a service's systemd unit. A reboot removes them. */
export const dropIn = (service: string, lines: string) => `
  mkdir -p /run/systemd/system/${service}.service.d
  printf '%s\\n' '[Service]' ${lines} >/run/systemd/system/${service}.service.d/kafkalab-drill.conf
  systemctl daemon-reload`;

/** Removes the lines that {@link dropIn} added. */
export const noDropIn = (service: string) => `
  rm -f /run/systemd/system/${service}.service.d/kafkalab-drill.conf
  rmdir /run/systemd/system/${service}.service.d 2>/dev/null
  systemctl daemon-reload`;

/** Kills the processes of a service; systemd then handles it as a crash. */
export function kill(service: string): string {
  return `systemctl kill -s KILL ${service}`;
}

/** Start of a command line of Kafka's tool for topics. Append the action. */
export function kafkaTopics(servers: string): string {
  return `${KAFKA_HOME}/bin/kafka-topics.sh ${bootstrap(servers.split(",")).join(" ")}`;
}

/** Deletes a topic if it exists. */
export function deleteTopic(servers: string, topic: string): string {
  return `${kafkaTopics(servers)} --delete --if-exists --topic ${topic}`;
}
