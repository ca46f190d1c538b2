import { describe, expect, test } from "vitest";
import { readPins } from "../../components/lib/archive-pins";
import { serverProperties } from "../../components/lib/kafka-config";
import { toolPort } from "../../components/lib/kafka-contact";
import { LISTENER_KEYS, type Outside } from "../../components/lib/kafka-listeners";
import {
  casOf,
  type CaRotation,
  PLAINTEXT,
  type Security,
  SECURITY_MODES,
  type SecurityMode,
  securityStages,
  type SecurityStage,
} from "../../components/lib/kafka-security";
import { type BrokerTls, LIVE_TLS_KEYS, tlsFiles } from "../../components/lib/kafka-tls";
import { readSettings } from "../../components/settings";
import { listenerFault, listenersIn } from "../../operator/kafka/listeners";
import { nextStage } from "../../operator/kafka/stages";
import { changedKeys, readProperties } from "../../operator/service/properties";
import { ADMIN_KCAT, ADMIN_PROPERTIES, bootstrap, kcat } from "../../shared/kafka-contact";

const CLIENT: Outside = { place: "client", address: "203.0.113.5" };
const TLS: BrokerTls = {
  identity: { key: "KEY\n", certificate: "CERTIFICATE\n" },
  trusted: "CA",
  clientAuth: "required",
};

/** The `server.properties` of a broker in a stage. */
function configIn(stage: SecurityStage, more: { tls?: BrokerTls; outside?: Outside } = {}): string {
  const isPlain = stage.modes.every((mode) => mode === "plaintext");
  return serverProperties({
    ...{ id: 1, advertisedName: "a.foo.bar", rack: "r", zookeepers: ["z"], replicationFactor: 1 },
    ...{ heapMiB: 1024, version: "3.9.1", lines: {}, stage },
    ...(!isPlain && { tls: TLS }),
    ...more,
  });
}

const stagesOf = (from: SecurityMode, to: SecurityMode) => securityStages({ from, to });
const files = (config: string) => ({ release: "r", config, logging: "", unit: "" });
const changes = SECURITY_MODES.flatMap((from) =>
  SECURITY_MODES.map((to): Security => ({ from, to })),
);

describe("stages", () => {
  test("a lab without security has one, without any certificate", () => {
    expect(stagesOf("plaintext", "plaintext")).toEqual([PLAINTEXT]);
  });

  test("brokers replicate over TLS, and protect znodes, only when all others can follow", () => {
    const summary = ({ modes, ...stage }: SecurityStage) =>
      `${modes.join("+")} tls:${stage.replicatesOverTls} login:${stage.authenticatesToZooKeeper} acl:${stage.protectsZnodes} ${stage.znodeAcls ?? "-"}`;
    expect(stagesOf("plaintext", "tls").map(summary)).toEqual([
      "plaintext+tls tls:false login:true acl:false -",
      "plaintext+tls tls:true login:true acl:true secure",
    ]);
    expect(stagesOf("sasl", "plaintext").map(summary)).toEqual([
      "sasl+plaintext tls:true login:true acl:false unsecure",
      "sasl+plaintext tls:false login:false acl:false -",
    ]);
    expect(stagesOf("tls", "sasl").map(summary)).toEqual([
      "tls+sasl tls:true login:true acl:true -",
    ]);
    expect(stagesOf("sasl", "sasl").map(summary)).toEqual(["sasl tls:true login:true acl:true -"]);
  });

  const caSteps = (ca: CaRotation) =>
    securityStages({ from: "tls", to: "tls" }, ca).map((stage) => [stage.ca, stage.trusted]);

  test("a new CA is trusted first, then brokers have its certificates, then the former one goes", () => {
    expect(caSteps({ from: 1, to: 1 })).toEqual([[1, [1]]]);
    expect(caSteps({ from: 3, to: 4 })).toEqual([
      [3, [3]],
      [3, [3, 4]],
    ]);
    expect(caSteps({ from: 4, to: 4 })).toEqual([
      [3, [3]],
      [3, [3, 4]],
      [4, [3, 4]],
      [4, [4]],
    ]);
  });

  test.each<[CaRotation, number[]]>([
    [{ from: 1, to: 1 }, [1]],
    [{ from: 1, to: 2 }, [1, 2]],
    [{ from: 2, to: 2 }, [1, 2]],
    [{ from: 2, to: 3 }, [2, 3]],
  ])("with the CA %j the lab has %j", (ca, expected) => {
    expect(casOf(ca)).toEqual(expected);
  });

  /** A change, and the change that ends it. */
  const paths = changes.flatMap(({ from, to }): [string, SecurityStage[]][] =>
    from === to
      ? []
      : [
          [
            `${from} to ${to}`,
            [...stagesOf(from, from), ...stagesOf(from, to), ...stagesOf(to, to)],
          ],
        ],
  );

  test.each(paths)("in each step from %s, brokers reach one another", (_, path) => {
    for (const [index, stage] of path.entries()) {
      const next = path[index + 1];
      if (next === undefined) {
        continue;
      }
      const [one, other] = [listenersIn(configIn(stage)), listenersIn(configIn(next))];
      expect([...other.ports.keys()]).toContain(one.interBroker);
      expect([...one.ports.keys()]).toContain(other.interBroker);
      // A broker that protects its znodes has brokers beside it that can authenticate.
      expect(!next.protectsZnodes || stage.authenticatesToZooKeeper || index === 0).toBe(true);
      expect(!stage.protectsZnodes || next.authenticatesToZooKeeper).toBe(true);
    }
  });

  test.each(paths)("in each step from %s, the lab's tools find the same port", (_, path) => {
    for (const [index, stage] of path.entries()) {
      const [first = "plaintext", last = first] = stage.modes;
      const port = toolPort({ from: first, to: last });
      expect([...listenersIn(configIn(stage)).ports.values()], String(index)).toContain(port);
    }
  });
});

describe("server.properties", () => {
  test("in tls", () => {
    const [stage = PLAINTEXT] = stagesOf("tls", "tls");
    const properties = Object.fromEntries(readProperties(configIn(stage, { outside: CLIENT })));
    const paths = Object.keys(tlsFiles(TLS));
    expect(properties).toMatchObject({
      listeners: "SSL://0.0.0.0:9093,CLIENT_SSL://0.0.0.0:9194,REPLICATION://0.0.0.0:9091",
      "advertised.listeners":
        "SSL://a.foo.bar:9093,CLIENT_SSL://203.0.113.5:9194,REPLICATION://a.foo.bar:9091",
      "listener.security.protocol.map": "SSL:SSL,CLIENT_SSL:SSL,REPLICATION:SSL",
      "inter.broker.listener.name": "REPLICATION",
      "listener.name.replication.ssl.client.auth": "required",
      "listener.name.client_ssl.ssl.client.auth": "required",
      "listener.name.client_ssl.ssl.keystore.location": paths[0],
      "listener.name.client_ssl.ssl.truststore.location": paths[1],
      "authorizer.class.name": "kafka.security.authorizer.AclAuthorizer",
      "super.users": "User:kafkalab",
      "zookeeper.set.acl": "true",
    });
    expect(Object.keys(properties)).not.toContain("sasl.enabled.mechanisms");
    expect(JSON.stringify(properties)).not.toMatch(/CERTIFICATE|KEY/);
  });

  test("in sasl, with a client's certificate only if the setting says so", () => {
    const [stage = PLAINTEXT] = stagesOf("sasl", "sasl");
    const tls = { ...TLS, clientAuth: "none" as const };
    const outside: Outside = { place: "tunnel", port: 19_093 };
    const properties = Object.fromEntries(readProperties(configIn(stage, { tls, outside })));
    expect(properties).toMatchObject({
      listeners:
        "SASL_SSL://0.0.0.0:9096,TUNNEL_SASL_SSL://0.0.0.0:9197,REPLICATION://0.0.0.0:9091",
      "listener.name.tunnel_sasl_ssl.scram-sha-512.sasl.jaas.config":
        "org.apache.kafka.common.security.scram.ScramLoginModule required;",
      "listener.name.sasl_ssl.ssl.client.auth": "none",
      "listener.name.replication.ssl.client.auth": "required",
      "sasl.enabled.mechanisms": "SCRAM-SHA-512",
    });
  });

  test("while both are there, clients with a password need no certificate", () => {
    const [stage = PLAINTEXT] = stagesOf("tls", "sasl");
    const properties = readProperties(configIn(stage));
    expect(properties.get("listener.name.ssl.ssl.client.auth")).toBe("required");
    expect(properties.get("listener.name.sasl_ssl.ssl.client.auth")).toBe("none");
  });

  test("clients without a name keep their rights while the plaintext listener is there", () => {
    const usersIn = (security: Security) =>
      securityStages(security).map((stage) => readProperties(configIn(stage)).get("super.users"));
    expect(usersIn({ from: "plaintext", to: "tls" })).toEqual(
      Array(2).fill("User:kafkalab;User:ANONYMOUS"),
    );
    expect(usersIn({ from: "tls", to: "sasl" })).toEqual(["User:kafkalab"]);
    expect(usersIn({ from: "plaintext", to: "plaintext" })).toEqual([undefined]);
  });

  test("brokers take a new certificate and a new CA while they run, and listeners by a restart", () => {
    const [stage = PLAINTEXT] = stagesOf("tls", "sasl");
    const renewed = { ...TLS, identity: { key: "KEY", certificate: "another" }, trusted: "CA 2" };
    const changed = changedKeys(configIn(stage), configIn(stage, { tls: renewed }));
    expect(changed).toHaveLength(6);
    expect(LIVE_TLS_KEYS).toEqual(expect.arrayContaining(changed));
    const [other = PLAINTEXT] = stagesOf("tls", "tls");
    const keys = changedKeys(configIn(stage), configIn(other));
    expect(keys.some((key) => LISTENER_KEYS.includes(key))).toBe(true);
  });
});

test("the name of a file tells what is in it, and only it has a secret", () => {
  const one = tlsFiles(TLS);
  const [keyStore = "", trustStore = ""] = Object.keys(one);
  expect(one[keyStore]).toBe("KEY\nCERTIFICATE");
  expect(one[trustStore]).toBe("CA");
  expect(Object.keys(one)).toEqual([keyStore, trustStore, ADMIN_PROPERTIES, ADMIN_KCAT]);
  const other = Object.keys(tlsFiles({ ...TLS, identity: { ...TLS.identity, key: "another" } }));
  expect(other[0]).not.toBe(keyStore);
  expect(other[1]).toBe(trustStore);
  for (const file of [ADMIN_PROPERTIES, ADMIN_KCAT]) {
    expect(one[file]).toContain(keyStore);
    expect(one[file]).not.toContain("KEY\n");
  }
});

test("the port of a broker says how tools reach it", () => {
  expect(kcat(["a:9092", "b:9092"])).toEqual(["kcat", "-b", "a:9092,b:9092"]);
  expect(kcat(["a:9091"])).toEqual(["kcat", "-F", ADMIN_KCAT, "-b", "a:9091"]);
  expect(bootstrap(["a:9092"])).toEqual(["--bootstrap-server", "a:9092"]);
  expect(bootstrap(["a:9091"], "--consumer.config")).toEqual([
    ...["--bootstrap-server", "a:9091", "--consumer.config", ADMIN_PROPERTIES],
  ]);
});

describe("the next stage", () => {
  const target = { host: { name: "a", connection: { host: "", user: "", privateKey: "" } } };
  const nextFrom = (configs: (string | undefined)[], stages: string[]) => {
    const wish = {
      brokers: configs.map((_, index) => ({
        ...{ ...target, id: index + 1, server: "a:9092", rack: "r" },
        stages: stages.map((config) => ({ config, unit: "", secrets: {} })),
      })),
      stages: stages.map(() => ({})),
    };
    const brokers = configs.map((config, index) => ({
      ...{ id: index + 1, files: config === undefined ? undefined : files(config) },
    }));
    return nextStage(wish as never, { brokers: brokers as never });
  };
  const stages = stagesOf("plaintext", "tls").map((stage) => configIn(stage));
  const [first = "", last = ""] = stages;
  const plain = configIn(PLAINTEXT);

  test.each<[string, (string | undefined)[], number]>([
    ["nobody has begun", [plain, plain, plain], 0],
    ["one is at the first stage", [plain, first, plain], 0],
    ["all are at the first stage", [first, first, first], 1],
    ["one is at the last stage", [first, last, first], 1],
    ["all are at the last stage", [last, last, last], 1],
    ["all are at the last stage, with another key", [`${last}a=b\n`, last, last], 1],
    ["a new broker has no files", [first, undefined, first], 1],
    ["no broker has files", [undefined, undefined, undefined], 1],
  ])("%s", (_, configs, expected) => {
    expect(nextFrom(configs, stages)).toBe(expected);
  });

  test.each(changes)("%j begins with the first stage", ({ from, to }) => {
    const [present = PLAINTEXT] = stagesOf(from, from);
    expect(
      nextFrom(
        [configIn(present)],
        stagesOf(from, to).map((stage) => configIn(stage)),
      ),
    ).toBe(0);
  });

  describe("of a new CA", () => {
    const [stage = PLAINTEXT] = stagesOf("tls", "tls");
    /** The stages of a broker, each with what it has of certificates and CAs. */
    const stagesAt = (ca: CaRotation, generation = 1) =>
      securityStages({ from: "tls", to: "tls" }, ca).map(({ ca: signer, trusted }) => {
        const identity = { key: "KEY", certificate: `${generation} of CA ${signer}` };
        return configIn(stage, { tls: { ...TLS, identity, trusted: trusted.join(" and ") } });
      });
    const settled = (ca: number, generation?: number) =>
      stagesAt({ from: ca, to: ca }, generation).at(-1) ?? "";
    const [both, next] = [
      { from: 1, to: 2 },
      { from: 2, to: 2 },
    ];

    test.each<[string, string, string[], number]>([
      ["brokers begin to trust it", settled(1), stagesAt(both), 1],
      ["with a new certificate, which comes first", settled(1), stagesAt(both, 2), 0],
      ["brokers take its certificates", stagesAt(both)[1] ?? "", stagesAt(next), 2],
      ["with other new certificates", stagesAt(both)[1] ?? "", stagesAt(next, 2), 1],
      ["brokers no longer trust the former", stagesAt(next)[2] ?? "", stagesAt(next), 3],
      ["nothing is left to do", settled(2), stagesAt(next), 3],
      ["certificates are renewed later", settled(2), stagesAt(next, 2), 3],
      ["another key has changed later", `${settled(2)}a=b\n`, stagesAt(next), 3],
    ])("%s", (_, present, stages, expected) => {
      expect(nextFrom([present, present], stages)).toBe(expected);
    });

    test("a certificate never changes together with the CAs that brokers trust", () => {
      const faultOf = (present: string, configs: string[]) => {
        const stages = configs.map((config) => ({ config, unit: "", secrets: {} }));
        const at = nextFrom([present], configs);
        return listenerFault({ server: "a:9091", stages }, at, { files: files(present) });
      };
      expect(faultOf(settled(1), stagesAt(next))).toBeUndefined();
      expect(faultOf(settled(1, 2), stagesAt(next))).toBeUndefined();
      expect(faultOf(settled(1), stagesAt({ from: 3, to: 3 }))).toContain(
        'setting "kafkalab:rotation": ca must first be {from: the present number, to: the next}',
      );
      expect(faultOf(settled(2), stagesAt({ from: 1, to: 1 }))).toContain("kafkalab:rotation");
    });
  });
});

describe("listeners that do not fit", () => {
  const faultOf = (present: Security, wanted: Security, at = 0) => {
    const stages = securityStages(wanted).map((stage) => ({
      ...{ config: configIn(stage), unit: "", secrets: {} },
    }));
    const broker = { server: `a:${toolPort(wanted)}`, stages };
    const config = configIn(securityStages(present)[at] ?? PLAINTEXT);
    return listenerFault(broker, 0, { files: files(config) });
  };
  const to = (mode: SecurityMode): Security => ({ from: mode, to: mode });

  test.each<[Security, Security, string]>([
    [to("plaintext"), to("tls"), "it must first be {from: plaintext, to: tls}"],
    [to("plaintext"), to("sasl"), "it must first be {from: plaintext, to: sasl}"],
    [to("tls"), to("plaintext"), "it must first be {from: tls, to: plaintext}"],
    [to("tls"), to("sasl"), "it must first be {from: tls, to: sasl}"],
    [to("plaintext"), { from: "tls", to: "sasl" }, "it must first be {from: plaintext, to: sasl}"],
  ])("from %j to %j", (present, wanted, rule) => {
    expect(faultOf(present, wanted)).toContain(`setting "kafkalab:security": ${rule}`);
  });

  test.each(changes)("%j can begin, end, and turn back", ({ from, to: mode }) => {
    expect(faultOf(to(from), { from, to: mode })).toBeUndefined();
    const last = securityStages({ from, to: mode }).length - 1;
    expect(faultOf({ from, to: mode }, to(mode), last)).toBeUndefined();
    expect(faultOf({ from, to: mode }, { from: mode, to: from }, last)).toBeUndefined();
  });

  test("a broker without files fits", () => {
    const stages = [{ config: configIn(PLAINTEXT), unit: "", secrets: {} }];
    expect(listenerFault({ server: "a:9092", stages }, 0, { files: undefined })).toBeUndefined();
  });
});

describe("settings", () => {
  const read = (raw: Record<string, string>) => {
    const named = Object.entries(raw).map(([name, value]) => [`kafkalab:${name}`, value] as const);
    const given = { "kafkalab:target": "local", ...Object.fromEntries(named) };
    return readSettings(given, readPins(), "x86_64");
  };

  test("by default there is no security", () => {
    expect(read({})).toMatchObject({
      settings: { security: { from: "plaintext", to: "plaintext" }, clientAuth: "none" },
      faults: [],
    });
  });

  test.each<[Record<string, string>, object]>([
    [{ security: "tls" }, { security: { from: "tls", to: "tls" }, clientAuth: "required" }],
    [{ security: "sasl" }, { security: { from: "sasl", to: "sasl" }, clientAuth: "none" }],
    [
      { security: '{"from":"plaintext","to":"sasl"}' },
      { security: { from: "plaintext", to: "sasl" } },
    ],
    [{ security: "tls", clientAuth: "requested" }, { clientAuth: "requested" }],
    [{ rotation: '{"ca":{"from":1,"to":2}}' }, { rotation: { ca: { from: 1, to: 2 } } }],
    [
      { rotation: '{"ca":2,"passwords":3}' },
      { rotation: { ca: { from: 2, to: 2 }, certificates: 1, passwords: 3 } },
    ],
  ])("%j", (raw, settings) => {
    expect(read(raw)).toMatchObject({ settings, faults: [] });
  });
});
