import { propertiesFile } from "./properties";
import { renderUnit } from "./units";

/** The port for clients of ZooKeeper. */
export const CLIENT_PORT = 2181;

/**
 * `zoo.cfg` of an ensemble; the same on every node. The members are not in it: ZooKeeper keeps them
 * itself, beside its data, and changes them while it runs.
 *
 * @param further Further lines; they win over those that are written here.
 */
export function zooCfg(further: Record<string, string> = {}): string {
  return propertiesFile({
    dataDir: "/data/zk",
    clientPort: CLIENT_PORT,
    tickTime: 2000,
    initLimit: 10,
    syncLimit: 5,
    "autopurge.snapRetainCount": 3,
    "autopurge.purgeInterval": 1,
    "admin.enableServer": false,
    "4lw.commands.whitelist": "conf,mntr,ruok,srvr",
    // One node alone is an ensemble, too, so that others can join it.
    standaloneEnabled: false,
    reconfigEnabled: true,
    ...further,
  });
}

/** Logging of ZooKeeper: to the journal, which bounds it. */
export const ZOOKEEPER_LOGGING = `<configuration>
  <appender name="CONSOLE" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%-5p [%t:%C{1}@%L] - %m%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="CONSOLE" /></root>
</configuration>
`;

/**
 * Kernel settings of a ZooKeeper node's host, as lines of sysctl.d: a heap that is swapped out costs
 * sessions.
 */
export const ZOOKEEPER_KERNEL = "vm.swappiness = 1";

/** The systemd unit of a ZooKeeper node. */
export function zookeeperUnit(heapMiB: number): string {
  return renderUnit({
    service: "zookeeper-server",
    description: "Apache ZooKeeper",
    documentation: "https://zookeeper.apache.org/doc/current/zookeeperAdmin.html",
    user: "zookeeper",
    dataDirectory: "/data/zk",
    settings: [
      `Environment="SERVER_JVMFLAGS=-Xms${heapMiB}m -Xmx${heapMiB}m -XX:+UseG1GC"`,
      "Environment=ZOO_LOG_DIR=/var/log/zookeeper-server",
      // Apache's launcher turns JMX on unless told not to.
      "Environment=JMXDISABLE=true",
    ],
    // Puts the lab's zoo.cfg and ZooKeeper's own list of members together (start_service).
    command: "/bin/bash /etc/kafkalab/zookeeper-start.sh",
    stopTimeoutSeconds: 30,
  });
}
