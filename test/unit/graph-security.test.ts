import { beforeAll, describe, expect, test } from "vitest";
import type { SecurityMode } from "../../components/lib/kafka-security";
import { listenersIn } from "../../operator/kafka/listeners";
import { readProperties } from "../../operator/service/properties";
import { itemAt } from "../../shared/item-at";
import { declareLab, type Graph, wishOfKind } from "./support/graph";
import { rulesOf } from "./support/rules";
import { leaksOf, placesOf } from "./support/secrets";

/*
 * What the modes of kafkalab:security declare: certificates and passwords, who gets them, and which ports are
 * open.
 */

const BOBS_PASSWORD = "correct horse battery";

const SETTINGS = {
  ...{ target: "aws", sshAllowedCidrs: '["203.0.113.7/32"]', clients: "1" },
  ...{ users: '["alice","bob"]', userPasswords: JSON.stringify({ bob: BOBS_PASSWORD }) },
};

const TOPOLOGIES = {
  public: { clientAllowedCidrs: '["203.0.113.0/24","198.51.100.0/24"]' },
  private: { topology: "private" },
};
type Topology = keyof typeof TOPOLOGIES;

/** What follows from the setting. */
interface Expected {
  security: string;
  from: SecurityMode;
  to: SecurityMode;
  /** What each user has. */
  users: ("certificate" | "password")[];
  /** What clients need to know; null if nothing. */
  protocol: "SSL" | "SASL_SSL" | null;
}

const EACH: Expected[] = [
  still("plaintext", [], null),
  still("tls", ["certificate"], "SSL"),
  still("sasl", ["password"], "SASL_SSL"),
  change("plaintext", "tls", ["certificate"], "SSL"),
  change("plaintext", "sasl", ["password"], "SASL_SSL"),
  change("tls", "plaintext", ["certificate"], null),
  change("tls", "sasl", ["certificate", "password"], "SASL_SSL"),
  change("sasl", "plaintext", ["password"], null),
  change("sasl", "tls", ["certificate", "password"], "SSL"),
];

function still(mode: SecurityMode, users: Expected["users"], protocol: Expected["protocol"]) {
  return { security: mode, from: mode, to: mode, users, protocol };
}

function change(
  from: SecurityMode,
  to: SecurityMode,
  users: Expected["users"],
  protocol: Expected["protocol"],
) {
  return { security: JSON.stringify({ from, to }), from, to, users, protocol };
}

const CASES = EACH.flatMap((expected) =>
  (Object.keys(TOPOLOGIES) as Topology[]).map((topology) => ({ topology, ...expected })),
);

/** The ports of docs/security.md. */
const INSIDE = { plaintext: 9092, tls: 9093, sasl: 9096 };
const CLIENT = { plaintext: 9094, tls: 9194, sasl: 9196 };
const TUNNEL = { plaintext: 9095, tls: 9195, sasl: 9197 };
const REPLICATION = 9091;

const IDS = [1, 2, 3];
const USERS = ["alice", "bob"];

const labs = new Map<string, Promise<Graph>>();

/** A lab that is there already. What was declared once is declared no second time. */
function labOf(security: string, topology: Topology = "public", more: Record<string, string> = {}) {
  const settings = { ...SETTINGS, ...TOPOLOGIES[topology], security, ...more };
  const key = JSON.stringify(settings);
  const lab = labs.get(key) ?? declareLab(settings, { isUp: true });
  labs.set(key, lab);
  return lab;
}

const namesOf = ({ resources }: Graph) => resources.map(({ name }) => name);
const kafkaWish = ({ byName }: Graph) => wishOfKind(byName("kafka-ready"), "kafka");
const zookeeperWish = ({ byName }: Graph) => wishOfKind(byName("zookeeper-ready"), "zookeeper");
const lastOf = <T>(items: T[]) => itemAt(items, items.length - 1);

/** The resources of the lab's security: not the keys for SSH. */
function securityOf({ resources }: Graph) {
  return resources.filter(
    ({ type, name }) =>
      /^kafkalab:index:(LabSecurity|Pki)$/.test(type) ||
      (type.startsWith("tls:") && !/^key-key$|^[a-z]+-\d-host-key$|^bastion-host-key$/.test(name)),
  );
}

/** The names of the resources of a lab that another declares otherwise. */
function changed(before: Graph, after: Graph): string[] {
  const facts = ({ resources }: Graph) =>
    new Map(
      resources.map(({ name, inputs, replacementTrigger }) => [
        name,
        JSON.stringify({ inputs, replacementTrigger }),
      ]),
    );
  const [old, now] = [facts(before), facts(after)];
  // Each run has another id ready; the state keeps the first.
  return namesOf(before).filter(
    (name) => name !== "lab-id" && now.has(name) && now.get(name) !== old.get(name),
  );
}

/** Both texts of a private key. */
const keyTexts = (name: string) => [`PEM <${name}>`, `PKCS8 <${name}>`];

/** The passwords of a lab, by whose they are, as the operator reads them. */
function passwordsOf(lab: Graph): Record<string, string> {
  const users = kafkaWish(lab).access?.users ?? [];
  const jaas = Object.values(zookeeperWish(lab).levels[1]?.secrets ?? {}).join();
  const zookeeper = ["kafka", "quorum"].flatMap((user) => {
    const password = new RegExp(`user_${user}="(.*)"`).exec(jaas)?.[1];
    return password === undefined ? [] : [[`zookeeper ${user}`, password]];
  });
  return Object.fromEntries([
    ...users.flatMap(({ name, password }) => (password === undefined ? [] : [[name, password]])),
    ...zookeeper,
  ]) as Record<string, string>;
}

/** Where each private key is, by the name of its resource. */
async function placesOfKeys(lab: Graph): Promise<Record<string, string[]>> {
  const keys = securityOf(lab).filter(({ type }) => type === "tls:index/privateKey:PrivateKey");
  const places = keys.map(async ({ name }) => {
    const found = await Promise.all(keyTexts(name).map((text) => placesOf(lab, text)));
    return [name, found.flat().sort()] as const;
  });
  return Object.fromEntries(await Promise.all(places));
}

describe.each(CASES)(
  "$security, $topology",
  ({ security, topology, from, to, users, protocol }) => {
    const modes = from === to ? [to] : [from, to];
    const isSecure = modes.some((mode) => mode !== "plaintext");
    const [hasCertificates, hasPasswords] = [
      users.includes("certificate"),
      users.includes("password"),
    ];
    const brokers = isSecure ? IDS.map((id) => `kafka-${id}`) : [];
    const withCertificate = hasCertificates ? USERS.map((user) => `security-user-${user}`) : [];
    const holders = [...brokers, ...withCertificate];
    let lab: Graph;

    beforeAll(async () => {
      lab = await labOf(security, topology);
    });

    test("certificates, keys and passwords: these, and no others", () => {
      const names = securityOf(lab).map(({ name }) => name);
      const parts = ["certificate-key", "certificate-request", "certificate-1"];
      const ofHolders = holders.flatMap((holder) => parts.map((part) => `${holder}-${part}`));
      const ofLab = [
        ...["security", "security-pki", "security-pki-ca-1", "security-pki-ca-1-key"],
        ...["security-zookeeper-kafka-password", "security-zookeeper-quorum-password"],
      ];
      // Bob's password is the user's own.
      const password = hasPasswords ? ["security-user-alice-password"] : [];
      expect(names.sort()).toEqual([...(isSecure ? ofLab : []), ...ofHolders, ...password].sort());
    });

    test("every resource has its parent's name before its own", () => {
      for (const { name, parent } of lab.resources) {
        expect(parent === "" || name.startsWith(`${parent}-`), `${name} below ${parent}`).toBe(
          true,
        );
      }
    });

    test("whom certificates are for", () => {
      const subjects = lab
        .ofType("tls:index/certRequest:CertRequest")
        .map(({ name, inputs: { subject, dnsNames, ipAddresses } }) => [
          name.replace("-certificate-request", ""),
          { ...(subject as object), dnsNames, ipAddresses },
        ]);
      const addresses = {
        public: [
          ["10.20.0.10", "address of kafka-1-address-id"],
          ["10.20.32.10", "address of kafka-2-address-id"],
          ["10.20.64.10", "address of kafka-3-address-id"],
        ],
        private: [["10.20.128.10"], ["10.20.160.10"], ["10.20.192.10"]],
      };
      const ofBrokers = brokers.map((name, index) => [
        name,
        {
          commonName: "kafkalab",
          dnsNames: [`peter-kafka0${index + 1}.foo.bar`, `peter-kafka0${index + 1}`, "localhost"],
          ipAddresses: [...itemAt(addresses[topology], index), "127.0.0.1"],
        },
      ]);
      const ofUsers = withCertificate.map((name) => [
        name,
        { commonName: name.replace("security-user-", "") },
      ]);
      expect(Object.fromEntries(subjects)).toEqual(Object.fromEntries([...ofBrokers, ...ofUsers]));
    });

    test("a user is no host: no client takes its certificate for a broker's", () => {
      const uses = lab
        .ofType("tls:index/locallySignedCert:LocallySignedCert")
        .map(({ name, inputs }) => [name.replace("-certificate-1", ""), inputs.allowedUses]);
      const expected = [
        ...brokers.map((name) => [name, ["digital_signature", "server_auth", "client_auth"]]),
        ...withCertificate.map((name) => [name, ["digital_signature", "client_auth"]]),
      ];
      expect(Object.fromEntries(uses)).toEqual(Object.fromEntries(expected));
    });

    test("a broker tells clients only names and addresses of its certificate, in every stage", () => {
      for (const { id, stages } of isSecure ? kafkaWish(lab).brokers : []) {
        const { inputs } = lab.byName(`kafka-${id}-certificate-request`);
        const subjects = [...(inputs.dnsNames as string[]), ...(inputs.ipAddresses as string[])];
        for (const { config } of stages) {
          const advertised = readProperties(config).get("advertised.listeners") ?? "";
          const hosts = advertised.split(",").map((each) => /:\/\/(.*):\d+$/.exec(each)?.[1]);
          expect(hosts.length).toBeGreaterThan(modes.length);
          expect(subjects).toEqual(expect.arrayContaining(hosts));
        }
      }
    });

    test("each private key is where it is needed, and nowhere else", async () => {
      const expected = [
        // No command and no host has the key of a CA.
        ...(isSecure
          ? [
              [
                "security-pki-ca-1-key",
                ["security-pki-ca-1", ...holders.map((holder) => `${holder}-certificate-1`)],
              ],
              // The passwords are made from these.
              ["security-zookeeper-kafka-password", []],
              ["security-zookeeper-quorum-password", []],
            ]
          : []),
        ...(hasPasswords ? [["security-user-alice-password", []]] : []),
        ...brokers.map((broker) => [
          `${broker}-certificate-key`,
          [`${broker}-certificate-request`, `${broker}-install`, "kafka-ready"],
        ]),
        ...withCertificate.map((user) => [
          `${user}-certificate-key`,
          [`${user}-certificate-request`],
        ]),
      ].map(([name, places]) => [name, [...(places ?? [])].sort()]);
      expect(await placesOfKeys(lab)).toEqual(Object.fromEntries(expected));
    });

    test("each password is where it is needed, and nowhere else", async () => {
      const passwords = passwordsOf(lab);
      const found = Object.entries(passwords).map(
        async ([whose, password]) => [whose, await placesOf(lab, password)] as const,
      );
      const zookeeper = [...IDS.map((id) => `zookeeper-${id}-install`), "zookeeper-ready"];
      // On the way back to plaintext, brokers end without a login.
      const kafka =
        to === "plaintext"
          ? ["kafka-ready"]
          : [...IDS.map((id) => `kafka-${id}-install`), "kafka-ready"];
      expect(Object.fromEntries(await Promise.all(found))).toEqual({
        ...(hasPasswords && { alice: ["kafka-ready"], bob: ["kafka-ready"] }),
        ...(isSecure && {
          "zookeeper kafka": [...kafka, ...zookeeper],
          "zookeeper quorum": zookeeper,
        }),
      });
      expect(new Set(Object.values(passwords)).size).toBe(Object.keys(passwords).length);
      for (const [whose, password] of Object.entries(passwords)) {
        expect(password, whose).toMatch(whose === "bob" ? BOBS_PASSWORD : /^[\w-]{32}$/);
      }
    });

    test("Pulumi keeps all of them secret", async () => {
      const keys = securityOf(lab)
        .filter(({ type }) => type === "tls:index/privateKey:PrivateKey")
        .flatMap(({ name }) => keyTexts(name));
      const secrets = [...keys, ...Object.values(passwordsOf(lab))];
      const shown = Object.entries(lab.outputs).filter(
        ([name]) => !lab.secretOutputs.includes(name),
      );
      expect(shown.length).toBeGreaterThan(0);
      for (const secret of secrets) {
        expect(await leaksOf(lab, secret), secret).toEqual([]);
        expect(JSON.stringify(shown)).not.toContain(secret);
      }
    });

    test("every rule of the firewall", () => {
      const ports = modes.map((mode) => INSIDE[mode]);
      const flow = (who: string, whom: string, port: number) => [
        `${who} -> ${whom} tcp ${port} ${port}`,
        `${whom} <- ${who} tcp ${port} ${port}`,
      ];
      const outside = {
        public: [
          "hosts <- 203.0.113.7/32 tcp 22 22",
          ...modes.flatMap((mode) =>
            ["203.0.113.0/24", "198.51.100.0/24"].map(
              (cidr) => `kafka <- ${cidr} tcp ${CLIENT[mode]} ${CLIENT[mode]}`,
            ),
          ),
        ],
        private: [
          "bastion <- 203.0.113.7/32 tcp 22 22",
          "bastion -> 0.0.0.0/0 tcp 443 443",
          "bastion -> 0.0.0.0/0 tcp 80 80",
          ...flow("bastion", "hosts", 22),
          ...modes.flatMap((mode) => flow("bastion", "kafka", TUNNEL[mode])),
        ],
      };
      expect(rulesOf(lab)).toEqual(
        [
          ...outside[topology],
          "hosts -> 0.0.0.0/0 tcp 443 443",
          "hosts -> 0.0.0.0/0 tcp 80 80",
          "hosts -> hosts icmp 8 -1",
          "hosts <- hosts icmp 8 -1",
          ...[2181, 2888, 3888].flatMap((port) => flow("zookeeper", "zookeeper", port)),
          ...flow("kafka", "zookeeper", 2181),
          ...ports.flatMap((port) => flow("kafka", "kafka", port)),
          ...ports.flatMap((port) => flow("client", "kafka", port)),
          ...(isSecure ? flow("kafka", "kafka", REPLICATION) : []),
        ].sort(),
      );
    });

    test("brokers listen, in every stage, on the ports that the firewall opens", () => {
      const open = rulesOf(lab).flatMap((rule) => /^kafka <- .* (\d+)$/.exec(rule)?.[1] ?? []);
      const ports = [...new Set(open.map(Number))].sort();
      for (const { stages } of kafkaWish(lab).brokers) {
        for (const { config } of stages) {
          expect([...listenersIn(config).ports.values()].sort()).toEqual(ports);
        }
      }
    });

    test("outputs", () => {
      const names = IDS.map((id) => `peter-kafka0${id}`);
      const at = (port: number) => (name: string) => `${name}:${port}`;
      const outside =
        topology === "public"
          ? IDS.map((id) => `address of kafka-${id}-address-id`).map(at(CLIENT[to]))
          : ["localhost:19092", "localhost:19093", "localhost:19094"];
      const ends = Object.fromEntries([
        ["CA 1", "end of security-pki-ca-1"],
        ...names.map((name, index) => [name, `end of kafka-${index + 1}-certificate-1`]),
        ...withCertificate.map((user) => [
          user.replace("security-user-", "user "),
          `end of ${user}-certificate-1`,
        ]),
      ]) as Record<string, string>;
      const passwords = passwordsOf(lab);
      const clientOf = (user: string) => ({
        ...(hasCertificates && {
          certificate: `CERTIFICATE <security-user-${user}-certificate-1>\n`,
          key: `PKCS8 <security-user-${user}-certificate-key>\n`,
        }),
        ...(hasPasswords && { password: passwords[user] }),
      });
      expect(lab.outputs).toMatchObject({
        bootstrapServers: names.map((name) => at(INSIDE[to])(`${name}.foo.bar`)).join(),
        clientBootstrapServers: outside.join(),
      });
      expect(lab.outputs.security).toEqual({ from, to, ...(isSecure && { ends }) });
      expect(lab.outputs.clientSecurity).toEqual(
        protocol && {
          protocol,
          ca: "CERTIFICATE <security-pki-ca-1>\n",
          users: { alice: clientOf("alice"), bob: clientOf("bob") },
        },
      );
      expect(lab.secretOutputs).toEqual([
        ...(protocol === null ? [] : ["clientSecurity"]),
        "privateKey",
      ]);
    });

    test("what the operator is asked for: users, stages, and a level of the ensemble", () => {
      const { access, stages, brokers: targets } = kafkaWish(lab);
      const passwords = passwordsOf(lab);
      expect(access?.users).toEqual(
        isSecure
          ? USERS.map((name) => ({ name, ...(hasPasswords && { password: passwords[name] }) }))
          : [],
      );
      expect(access?.saslServers).toEqual(
        hasPasswords ? IDS.map((id) => `peter-kafka0${id}.foo.bar:9096`) : undefined,
      );
      const toolPort = from === "plaintext" ? INSIDE.plaintext : REPLICATION;
      for (const broker of targets) {
        expect(broker.stages).toHaveLength(stages.length);
        expect(broker.server).toBe(`peter-kafka0${broker.id}.foo.bar:${toolPort}`);
      }
      const { level, levels } = zookeeperWish(lab);
      expect([level, levels.length]).toEqual(isSecure ? [to === "plaintext" ? 1 : 3, 4] : [0, 1]);
      // Brokers can log in only to nodes that accept logins.
      const { dependencies } = lab.byName("kafka-ready-attempt");
      expect(dependencies.includes("zookeeper-ready")).toBe(isSecure);
    });
  },
);

describe("plaintext", () => {
  test("costs nothing: its settings declare nothing, and change nothing", async () => {
    const plain = await declareLab({}, { isUp: true });
    const set = await declareLab(
      {
        ...{ security: "plaintext", users: SETTINGS.users, userPasswords: SETTINGS.userPasswords },
        ...{ certificateHours: "24", rotation: '{"ca":7,"certificates":8,"passwords":9}' },
      },
      { isUp: true },
    );
    const facts = ({ resources }: Graph) =>
      resources
        .filter(({ name }) => name !== "lab-id")
        .map(({ name, inputs, dependencies }) => ({ name, inputs, dependencies }));
    expect(facts(set)).toEqual(facts(plain));
    expect(set.outputs).toEqual(plain.outputs);
  });
});

describe.each(["public", "private"] as const)("a change of the mode, %s", (topology) => {
  test("keeps every key, certificate and password that both modes have", async () => {
    const secure = EACH.filter(({ security }) => security !== "plaintext");
    const first = new Map<string, unknown>();
    for (const { security } of secure) {
      for (const { name, inputs, replacementTrigger } of securityOf(
        await labOf(security, topology),
      )) {
        const facts = { inputs, replacementTrigger };
        expect(facts, name).toEqual(first.get(name) ?? facts);
        first.set(name, facts);
      }
    }
  });
});

describe("who has certificates", () => {
  test.each(["requested", "required"])(
    "users with passwords, too, if clientAuth is %s",
    async (clientAuth) => {
      const { outputs } = await labOf("sasl", "public", { clientAuth });
      const { users } = outputs.clientSecurity as { users: Record<string, object> };
      for (const user of USERS) {
        expect(Object.keys(users[user] ?? {}).sort()).toEqual(["certificate", "key", "password"]);
      }
    },
  );

  test("a broker without an elastic address, for none", async () => {
    const { byName } = await labOf("tls", "public", { clientAllowedCidrs: '["none"]' });
    expect(byName("kafka-2-certificate-request").inputs).toMatchObject({
      ipAddresses: ["10.20.32.10", "127.0.0.1"],
    });
  });

  test("a broker more gets one, and the others keep theirs", async () => {
    const three = await labOf("tls");
    const four = await labOf("tls", "public", { brokers: "4" });
    const added = securityOf(four).filter(({ name }) => !namesOf(three).includes(name));
    expect(added.map(({ name }) => name)).toEqual([
      ...["kafka-4-certificate-key", "kafka-4-certificate-request", "kafka-4-certificate-1"],
    ]);
    expect(changed(three, four).filter((name) => /certificate|-ca-|install/.test(name))).toEqual(
      [],
    );
  });

  test("a paused lab keeps them", async () => {
    const [running, paused] = [
      await labOf("sasl"),
      await labOf("sasl", "public", { running: "false" }),
    ];
    const facts = (lab: Graph) =>
      securityOf(lab).map(({ name, inputs, replacementTrigger }) => ({
        ...{ name, inputs, replacementTrigger },
      }));
    expect(facts(paused)).toEqual(facts(running));
    expect(paused.outputs.clientSecurity).toEqual(running.outputs.clientSecurity);
  });

  test.each([
    ["1", 0],
    ["2", 1],
    ["3", 1],
    ["4", 2],
    ["24", 8],
    ["8760", 2920],
  ])("for %s hours, and the last %i of them are the time of renewal", async (hours, early) => {
    const { ofType } = await labOf("tls", "public", { certificateHours: hours });
    const certificates = ofType("tls:index/locallySignedCert:LocallySignedCert");
    expect(certificates).toHaveLength(5);
    for (const { name, inputs } of certificates) {
      expect(inputs, name).toMatchObject({
        validityPeriodHours: Number(hours),
        earlyRenewalHours: early,
      });
    }
  });
});

describe("users", () => {
  const BOB = { users: '["bob"]', userPasswords: SETTINGS.userPasswords };

  test.each(["tls", "sasl", '{"from":"tls","to":"sasl"}'])(
    "in %s, one that is left out loses what it had, and nothing else changes but the operator's wish",
    async (security) => {
      const [both, bob] = [await labOf(security), await labOf(security, "public", BOB)];
      const gone = namesOf(both).filter((name) => !namesOf(bob).includes(name));
      expect(gone.length).toBeGreaterThan(0);
      expect(gone).toEqual(namesOf(both).filter((name) => name.startsWith("security-user-alice-")));
      expect(namesOf(bob).filter((name) => !namesOf(both).includes(name))).toEqual([]);
      expect(changed(both, bob).sort()).toEqual(["kafka-ready", "kafka-ready-attempt"]);
      const { users } = bob.outputs.clientSecurity as { users: object };
      expect(Object.keys(users)).toEqual(["bob"]);
      expect(kafkaWish(bob).access?.users.map(({ name }) => name)).toEqual(["bob"]);
    },
  );

  test("in another order have the same resources", async () => {
    const users = '["bob","carol","alice"]';
    const security = '{"from":"tls","to":"sasl"}';
    const [before, after] = [await labOf(security), await labOf(security, "public", { users })];
    const added = namesOf(after).filter((name) => !namesOf(before).includes(name));
    expect(added.every((name) => name.startsWith("security-user-carol-"))).toBe(true);
    for (const { name, inputs } of securityOf(before)) {
      expect(after.byName(name).inputs, name).toEqual(inputs);
    }
  });

  test("may have names that every object of JavaScript has", async () => {
    const users = ["constructor", "toString", "valueOf"];
    const lab = await labOf("sasl", "public", { users: JSON.stringify(users), userPasswords: "" });
    const known = kafkaWish(lab).access?.users ?? [];
    expect(known.map(({ name }) => name)).toEqual(users);
    expect(known.every(({ password }) => /^[\w-]{32}$/.test(password ?? ""))).toBe(true);
    const { users: told } = lab.outputs.clientSecurity as { users: object };
    expect(Object.entries(told)).toEqual(known.map(({ name, password }) => [name, { password }]));
  });
});

describe("rotation", () => {
  const rotated = (rotation: object, security = "tls") =>
    labOf(security, "public", { rotation: JSON.stringify(rotation) });
  const certificate = (name: string) => `CERTIFICATE <${name}>`;
  /** What a broker has in a stage: its certificate, and the CAs that it trusts. */
  const storesOf = (secrets: Record<string, string> = {}) => {
    const [keyStore, trustStore] = Object.values(secrets);
    return { own: keyStore?.split("\n").at(-1), trusted: trustStore?.split("\n") };
  };

  test("of the CA: there are two, each certificate comes from both, and everybody trusts both", async () => {
    const lab = await rotated({ ca: { from: 1, to: 2 } });
    const authorities = ["security-pki-ca-1", "security-pki-ca-2"];
    expect(lab.ofType("tls:index/selfSignedCert:SelfSignedCert").map(({ name }) => name)).toEqual(
      authorities,
    );
    const signed = lab.ofType("tls:index/locallySignedCert:LocallySignedCert");
    const holders = [...IDS.map((id) => `kafka-${id}`), "security-user-alice", "security-user-bob"];
    expect(signed.map(({ name }) => name).sort()).toEqual(
      holders.flatMap((holder) => [1, 2].map((ca) => `${holder}-certificate-${ca}`)).sort(),
    );
    for (const { name, inputs } of signed) {
      const authority = `security-pki-ca-${name.at(-1)}`;
      expect(inputs, name).toMatchObject({
        certRequestPem: `REQUEST <${name.replace(/\d$/, "request")}>\n`,
        caCertPem: `${certificate(authority)}\n`,
        caPrivateKeyPem: `PEM <${authority}-key>\n`,
      });
    }
    const { brokers } = kafkaWish(lab);
    for (const { id, stages } of brokers) {
      expect(storesOf(lastOf(stages).secrets)).toEqual({
        own: certificate(`kafka-${id}-certificate-1`),
        trusted: authorities.map(certificate),
      });
    }
    expect(lab.outputs.clientSecurity).toMatchObject({
      ca: authorities.map((name) => `${certificate(name)}\n`).join(""),
      users: { alice: { certificate: `${certificate("security-user-alice-certificate-2")}\n` } },
    });
    expect(lab.outputs.security).toMatchObject({
      ends: { "CA 1": "end of security-pki-ca-1", "CA 2": "end of security-pki-ca-2" },
    });
    const places = await placesOfKeys(lab);
    for (const [index, name] of authorities.entries()) {
      expect(places[`${name}-key`]).toEqual(
        [name, ...holders.map((holder) => `${holder}-certificate-${index + 1}`)].sort(),
      );
    }
  });

  test("of the CA, at its end: the former one is trusted by nobody", async () => {
    const lab = await rotated({ ca: 2 });
    for (const { id, stages } of kafkaWish(lab).brokers) {
      expect(storesOf(lastOf(stages).secrets)).toEqual({
        own: certificate(`kafka-${id}-certificate-2`),
        trusted: [certificate("security-pki-ca-2")],
      });
      const stdin = await placesOf(lab, certificate(`kafka-${id}-certificate-2`));
      expect(stdin).toContain(`kafka-${id}-install`);
    }
    expect(lab.outputs.clientSecurity).toMatchObject({
      ca: `${certificate("security-pki-ca-2")}\n`,
      users: { alice: { certificate: `${certificate("security-user-alice-certificate-2")}\n` } },
    });
    // Nothing of the second CA changes between the steps, or clients would need another client-config.
    const both = await rotated({ ca: { from: 1, to: 2 } });
    expect(
      changed(both, lab).filter((name) => /ca-2|certificate-(2|key|request)$/.test(name)),
    ).toEqual([]);
  });

  test("of certificates makes anew the keys of brokers and users, and nothing else", async () => {
    const names = changed(await rotated({}), await rotated({ certificates: 2 }));
    expect(names.sort()).toEqual(
      [...IDS.map((id) => `kafka-${id}`), "security-user-alice", "security-user-bob"].map(
        (holder) => `${holder}-certificate-key`,
      ),
    );
  });

  test("of passwords makes anew those of users that the lab makes, and nothing else", async () => {
    const names = changed(await rotated({}, "sasl"), await rotated({ passwords: 2 }, "sasl"));
    expect(names).toEqual(["security-user-alice-password"]);
  });
});
