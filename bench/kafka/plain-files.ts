import { join } from "node:path";
import { put, readHosts, variables, type BenchHost } from "../hosts";
import { KAFKA_HOME, ZOOKEEPER_HOME } from "../../shared/homes";

/** Writes the files for `plain.sh`: a process on a loopback address for each host of the stack. */
export function writePlainFiles(directory: string, raw: Record<string, string>): string {
  const { settings, hosts } = readHosts(raw);
  const own = (text: string, host: BenchHost) => {
    const named = hosts.reduce(
      (result, other) => result.replaceAll(`${other.name}.${settings.domain}`, loopback(other)),
      text,
    );
    return named
      .replaceAll("0.0.0.0", loopback(host))
      .replaceAll("127.0.0.1", loopback(host))
      .replaceAll(host.data, `/data/${host.name}/data`);
  };
  for (const host of hosts) {
    const kafka = host.product === "kafka";
    const to = (file: string) => join(directory, host.name, file);
    const config = own(host.config, host);
    put(to("config"), kafka ? `${config}\n` : `${config}\nclientPortAddress=${loopback(host)}\n`);
    put(to("logging"), `${host.logging}\n`);
    put(
      to("node"),
      variables({
        PRODUCT: host.product,
        ARCHIVE: `${host.product}/${kafka ? host.version : `zookeeper-${host.version}`}`,
        RELEASE: host.release,
        LOGGING_FILE: host.loggingFile,
        VOLUME_GIB: String(host.volumeGiB),
        MYID: kafka ? "" : String(host.ordinal),
        ENVIRONMENT: own(environment(host.unit), host),
        COMMAND: kafka
          ? `${KAFKA_HOME}/bin/kafka-server-start.sh`
          : `${ZOOKEEPER_HOME}/bin/zkServer.sh start-foreground`,
      }),
    );
  }
  const brokers = hosts.filter(({ product }) => product === "kafka");
  return brokers.map((host) => `${loopback(host)}:9092`).join(",");
}

/** A separate loopback address for each process, so that all can use their default ports. */
const loopback = ({ product, ordinal }: BenchHost) =>
  `127.77.${product === "kafka" ? 1 : 2}.${ordinal}`;

/** The environment variables in a unit, one per line, without the log directory. */
function environment(unit: string): string {
  return [...unit.matchAll(/^Environment="?(\w+=.*?)"?$/gm)]
    .map(([, assignment]) => assignment ?? "")
    .filter((assignment) => !/^(ZOO_)?LOG_DIR=/.test(assignment))
    .join("\n");
}
