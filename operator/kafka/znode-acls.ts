/*
 * Changes who may write Kafka's znodes. Brokers with `zookeeper.set.acl=true` only protect znodes that they
 * create, so Kafka's own tool changes all the others.
 */
import { KAFKA_HOME } from "../../shared/homes";
import { report } from "../progress";
import { TOOL_JVM, toolError } from "./client";
import type { KafkaCluster } from "./cluster";

/** Who may write Kafka's znodes: only the user that brokers log in as, or everybody. */
export type ZnodeAcls = "secure" | "unsecure";

/** The note of a change that is under way, on the first broker's host. */
const NOTE = "/var/lib/kafkalab/znode-acls";
/** Every cluster has these znodes, and everybody may read them. The tool changes the first one at once. */
const SAMPLE = ["/", "/brokers/topics", "/config/topics"];
const SHELL_SECONDS = 60;
/** The tool changes some thousand znodes per second. */
const TOOL_SECONDS = 900;

/**
 * Makes Kafka's znodes secure or unsecure, unless they are already.
 *
 * For `secure`, all brokers must run with `zookeeper.set.acl=true`, and for `unsecure` without: otherwise
 * they create other znodes meanwhile. In both cases all brokers must log in to ZooKeeper.
 *
 * @param jaasFile The login configuration of the first broker, on its host.
 * @throws ToolError with the reason, if Kafka's tool fails.
 */
export async function ensureZnodeAcls(
  cluster: KafkaCluster,
  wanted: ZnodeAcls,
  jaasFile: string,
): Promise<void> {
  if (await needsZnodeAcls(cluster, wanted)) {
    await setZnodeAcls(cluster, wanted, jaasFile);
  }
}

/**
 * Whether some of Kafka's znodes may not be as wanted: a sample is not, or a run was killed meanwhile.
 *
 * @throws Error if ZooKeeper does not answer.
 */
export async function needsZnodeAcls(
  { first, wish }: KafkaCluster,
  wanted: ZnodeAcls,
): Promise<boolean> {
  const command = [`${KAFKA_HOME}/bin/zookeeper-shell.sh`, wish.zookeeper.join(",")];
  const [note, answer] = await Promise.all([
    first.exec(["sudo", "-n", "sh", "-c", `cat ${NOTE} 2>/dev/null || true`]),
    first.exec(["env", `KAFKA_JVM_PERFORMANCE_OPTS=${TOOL_JVM}`, ...command], {
      input: SAMPLE.map((path) => `getAcl ${path}\n`).join(""),
      seconds: SHELL_SECONDS,
    }),
  ]);
  const found = readZnodeAcls(answer);
  if (found.length !== SAMPLE.length) {
    throw new Error(
      `${first.name}: ZooKeeper must tell the access control lists of ${SAMPLE.join(" ")}; got ${answer.trim()}`,
    );
  }
  return note !== "" || found.some((each) => each !== wanted);
}

/**
 * Reads the answers of zookeeper-shell to `getAcl`, one for each znode. Kafka's znodes have one entry with all
 * rights: for everybody, or for the user that the brokers log in as. Messages about the connection may be
 * between the entries.
 */
export function readZnodeAcls(answer: string): ZnodeAcls[] {
  const owners = answer.matchAll(/^'(\w+),'.*\n: cdrwa$/gm);
  return [...owners].map(([, scheme]) => (scheme === "world" ? "unsecure" : "secure"));
}

/**
 * Runs Kafka's tool, `zookeeper-security-migration.sh`. The archive that the setup packs has no such launcher,
 * so this function names the class. The tool runs as the brokers' user, which can read the login.
 */
async function setZnodeAcls(
  { first, wish }: KafkaCluster,
  wanted: ZnodeAcls,
  jaasFile: string,
): Promise<void> {
  const note = (text: string) => first.script(["put-file.sh"], { FILE: NOTE, TEXT: text });
  await note(wanted);
  report(`Kafka: the access control lists of all znodes become ${wanted}`);
  const environment = [
    `KAFKA_OPTS=-Djava.security.auth.login.config=${jaasFile}`,
    `KAFKA_JVM_PERFORMANCE_OPTS=${TOOL_JVM}`,
    "LOG_DIR=/var/log/kafka-server",
  ];
  const command = [
    ...["sudo", "-n", "runuser", "-u", wish.service.user, "--", "env", ...environment],
    ...[`${KAFKA_HOME}/bin/kafka-run-class.sh`, "kafka.admin.ZkSecurityMigrator"],
    ...[`--zookeeper.acl=${wanted}`, `--zookeeper.connect=${wish.zookeeper.join(",")}`],
  ];
  try {
    await first.exec(command, { seconds: TOOL_SECONDS });
  } catch (error) {
    throw toolError("zookeeper-security-migration.sh", error);
  }
  await note("");
}
