import { describe, expect, test } from "vitest";
import { kafkaUnit } from "../../components/lib/kafka-config";
import { zooCfg, zookeeperUnit } from "../../components/lib/zookeeper-config";
import {
  brokerJaas,
  ensembleLevels,
  jaasFile,
  memberJaas,
  securityLines,
  ZOOKEEPER_SECURITY_KEYS,
} from "../../components/lib/zookeeper-security";
import { readProperties } from "../../operator/service/properties";
import { levelOf } from "../../operator/zookeeper/levels";

const PASSWORDS = { kafka: "Kafka-1", quorum: "Quorum_2" };
const SETTINGS = { heapMiB: 256, lines: { tickTime: "3000" }, further: { snapCount: "5000" } };
const OPTION = "-Djava.security.auth.login.config=";

describe("the lines of a security level", () => {
  const PROVIDER = "org.apache.zookeeper.server.auth.SASLAuthenticationProvider";
  test("rise in the order that ZooKeeper demands: accept logins, log in, refuse others", () => {
    const accept = { "authProvider.sasl": PROVIDER, "quorum.auth.enableSasl": "true" };
    const login = { ...accept, "quorum.auth.learnerRequireSasl": "true" };
    const refuse = { ...login, "quorum.auth.serverRequireSasl": "true" };
    expect(([0, 1, 2, 3] as const).map(securityLines)).toEqual([{}, accept, login, refuse]);
    expect(ZOOKEEPER_SECURITY_KEYS).toEqual(Object.keys(refuse));
  });

  test("stand in zoo.cfg, whatever the user has set", () => {
    const key = "quorum.auth.enableSasl";
    const text = zooCfg({}, { [key]: "false" }, securityLines(1));
    expect(readProperties(text).get(key)).toBe("true");
  });
});

describe("a login configuration", () => {
  const MODULE = "org.apache.zookeeper.server.auth.DigestLoginModule required";

  test("of a member knows the brokers' user, and the members' user on both sides", () => {
    expect(memberJaas(PASSWORDS)).toBe(
      `Server {\n  ${MODULE}\n  user_kafka="Kafka-1";\n};\n` +
        `QuorumServer {\n  ${MODULE}\n  user_quorum="Quorum_2";\n};\n` +
        `QuorumLearner {\n  ${MODULE}\n  username="quorum"\n  password="Quorum_2";\n};\n`,
    );
  });

  test("of a broker logs in as kafka", () => {
    expect(brokerJaas(PASSWORDS)).toBe(
      `Client {\n  ${MODULE}\n  username="kafka"\n  password="Kafka-1";\n};\n`,
    );
  });

  test.each(['a"b', "a\\b", "${user.name}", "a b", "", "a\n"])(
    "takes no password that Java reads otherwise: %j",
    (password) => {
      const fault = "the password of the login section Client must consist of letters, digits";
      expect(() => brokerJaas({ kafka: password })).toThrow(fault);
    },
  );

  test("is an option of the JVM only if there is one", () => {
    const path = jaasFile("zookeeper-server", "x");
    for (const unit of [zookeeperUnit, kafkaUnit]) {
      expect(unit(256, path)).toContain(` ${OPTION}${path}"`);
      expect(unit(256)).not.toContain(OPTION);
    }
  });
});

describe("the levels of an ensemble", () => {
  const levels = ensembleLevels(SETTINGS, PASSWORDS);
  const path = jaasFile("zookeeper-server", memberJaas(PASSWORDS));

  test("are four, and all but the first have the secret that their unit names", () => {
    expect(levels.map(({ secrets }) => secrets)).toEqual([
      undefined,
      ...[1, 2, 3].map(() => ({ [path]: memberJaas(PASSWORDS) })),
    ]);
    expect(levels.map(({ unit }) => unit.includes(`${OPTION}${path}`))).toEqual([
      ...[false, true, true, true],
    ]);
  });

  test("are told apart by the operator, with other settings, too", () => {
    const configs = levels.map(({ config }) => config);
    const others = ensembleLevels({ ...SETTINGS, further: {} }, PASSWORDS);
    expect(others.map(({ config }) => levelOf(config, configs))).toEqual([0, 1, 2, 3]);
  });

  test("hold the settings", () => {
    for (const { config } of levels) {
      const values = Object.fromEntries(readProperties(config));
      expect(values).toMatchObject({ tickTime: "3000", snapCount: "5000" });
    }
  });

  test("without passwords there is the first one only, as before", () => {
    const { heapMiB, lines, further } = SETTINGS;
    expect(ensembleLevels(SETTINGS)).toEqual([
      { config: zooCfg(lines, further), unit: zookeeperUnit(heapMiB) },
    ]);
    expect(ensembleLevels(SETTINGS, PASSWORDS)[0]).toEqual(ensembleLevels(SETTINGS)[0]);
  });
});
