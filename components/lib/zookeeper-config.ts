import { propertiesFile } from "./properties";
import { loginOption, renderUnit } from "./units";

/** The port for ZooKeeper clients. */
export const CLIENT_PORT = 2181;

/**
 * Returns the `zoo.cfg` of an ensemble. Every node has the same file. The file does not list the members,
 * because ZooKeeper stores them in its own file and changes them while it runs.
 *
 * @param lines The lines that come from settings of their own.
 * @param further Further lines. They override the lines that this function writes.
 * @param security The lines of the security level. They override all others.
 */
export function zooCfg(
  lines: Record<string, string>,
  further: Record<string, string> = {},
  security: Record<string, string> = {},
): string {
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
    // A single node also runs as an ensemble, so that others can join it.
    standaloneEnabled: false,
    reconfigEnabled: true,
    ...lines,
    ...further,
    ...security,
  });
}

/** ZooKeeper logs to the journal, which limits the size. */
export const ZOOKEEPER_LOGGING = `<configuration>
  <appender name="CONSOLE" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%-5p [%t:%C{1}@%L] - %m%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="CONSOLE" /></root>
</configuration>
`;

/**
 * Kernel settings of a ZooKeeper node's host, as lines of sysctl.d. A swapped-out heap makes sessions
 * expire.
 */
export const ZOOKEEPER_KERNEL = "vm.swappiness = 1";

/**
 * The systemd unit of a ZooKeeper node.
 *
 * @param jaasFile Path of the login configuration. @default none
 */
export function zookeeperUnit(heapMiB: number, jaasFile?: string): string {
  return renderUnit({
    service: "zookeeper-server",
    description: "Apache ZooKeeper",
    documentation: "https://zookeeper.apache.org/doc/current/zookeeperAdmin.html",
    user: "zookeeper",
    dataDirectory: "/data/zk",
    settings: [
      `Environment="SERVER_JVMFLAGS=-Xms${heapMiB}m -Xmx${heapMiB}m -XX:+UseG1GC${loginOption(jaasFile)}"`,
      "Environment=ZOO_LOG_DIR=/var/log/zookeeper-server",
      // Apache's launcher enables JMX by default.
      "Environment=JMXDISABLE=true",
    ],
    // Combines the lab's zoo.cfg with ZooKeeper's own list of members (start_service).
    command: "/bin/bash /etc/kafkalab/zookeeper-start.sh",
    stopTimeoutSeconds: 30,
  });
}
