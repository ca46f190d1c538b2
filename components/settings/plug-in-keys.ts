import { type Breach } from "./breach";

/*
 * A broker loads some classes by name: an authorizer, a metrics reporter, a remote storage manager. Such
 * a class reads its own keys, and the release's table of keys (broker-keys.json) does not list them. This
 * file lists the keys of Kafka's own classes.
 */

/** The name of the lab's listener as it appears in keys. */
const LISTENER = "plaintext";

/** Keys that a broker reads for one listener, except the keys of TLS and SASL. */
const LISTENER_KEYS = [
  ...["max.connections", "max.connection.creation.rate", "num.network.threads"],
  ...["principal.builder.class", "connections.max.reauth.ms"],
];

const CSV_REPORTER = "kafka.metrics.KafkaCSVMetricsReporter";

/** The authorizer of KRaft. With ZooKeeper it never becomes ready, so the broker never serves. */
const KRAFT_AUTHORIZER = "org.apache.kafka.metadata.authorizer.StandardAuthorizer";

const AUTHORIZER_KEYS = [
  ...["super.users", "allow.everyone.if.no.acl.found", "authorizer.zookeeper.url"],
  ...["authorizer.zookeeper.connection.timeout.ms", "authorizer.zookeeper.session.timeout.ms"],
  ...["authorizer.zookeeper.max.in.flight.requests"],
];

const CSV_KEYS = ["kafka.csv.metrics.dir", "kafka.csv.metrics.reporter.enabled"];

/** Keys of a class that another key enables. */
interface PlugIn {
  /** The key that enables the class: the rest of "set ...". */
  needs: string;
  isSet: (all: Record<string, string>) => boolean;
  owns: (key: string, all: Record<string, string>) => boolean;
}

const PLUG_INS: PlugIn[] = [
  {
    needs: "authorizer.class.name",
    isSet: (all) => isGiven(all["authorizer.class.name"]),
    owns: (key) =>
      AUTHORIZER_KEYS.includes(key) ||
      /^authorizer\.zookeeper\.(ssl\.|clientCnxnSocket$)/.test(key),
  },
  {
    needs: `kafka.metrics.reporters to ${CSV_REPORTER}`,
    isSet: (all) => classesOf(all["kafka.metrics.reporters"]).includes(CSV_REPORTER),
    owns: (key) => CSV_KEYS.includes(key),
  },
  {
    needs: "remote.log.storage.manager.class.name",
    isSet: (all) => isGiven(all["remote.log.storage.manager.class.name"]),
    owns: (key, all) =>
      isBelow(key, all["remote.log.storage.manager.impl.prefix"] ?? "rsm.config."),
  },
  {
    needs: "remote.log.storage.system.enable to true",
    isSet: (all) => all["remote.log.storage.system.enable"] === "true",
    owns: (key, all) =>
      isBelow(key, all["remote.log.metadata.manager.impl.prefix"] ?? "rlmm.config."),
  },
  {
    needs: "config.providers",
    isSet: (all) => isGiven(all["config.providers"]),
    owns: (key) => /^config\.providers\.[^.]+\.(class|param\..+)$/.test(key),
  },
];

/** Keys that Kafka always reads, but that its table does not list. */
const UNLISTED_KEYS = ["config.providers", "metrics.jmx.include", "metrics.jmx.exclude"];

/** Matches the keys of one SASL mechanism of the listener. */
const MECHANISM_KEY = new RegExp(`^listener\\.name\\.${LISTENER}\\.[a-z0-9-]+\\.sasl\\.[a-z.]+$`);

/** Returns the plug-in keys with a fixed name, to suggest corrections of misspelt keys. */
export function plugInKeys(listed: string[]): string[] {
  const ofListener = [...LISTENER_KEYS, ...listed.filter((key) => /^(ssl|sasl)\./.test(key))];
  return [
    ...AUTHORIZER_KEYS,
    ...CSV_KEYS,
    ...UNLISTED_KEYS,
    ...ofListener.map((key) => `listener.name.${LISTENER}.${key}`),
  ];
}

/**
 * Whether a key belongs to a plug-in, by its prefix or through another key.
 *
 * @param all All additional keys with their values.
 */
export function belongsToPlugIn(key: string, all: Record<string, string>): boolean {
  return (
    isBelow(key, "metrics.context.") ||
    MECHANISM_KEY.test(key) ||
    PLUG_INS.some(({ owns }) => owns(key, all))
  );
}

/** Whether one of these keys names a third-party class. */
export function hasForeignPlugIn(all: Record<string, string>, listed: string[]): boolean {
  return listed
    .filter((key) => /\.(class|class\.name|reporters|assignors)$|^security\.providers$/.test(key))
    .flatMap((key) => classesOf(all[key]))
    .some((name) => name.includes(".") && !/^(org\.apache\.)?kafka\./.test(name));
}

/** Rejects keys of a class that no key enables, and a class that the lab cannot support. */
export function badPlugInKeys(all: Record<string, string>): Breach | undefined {
  const orphans = PLUG_INS.map(({ needs, isSet, owns }) => ({
    needs,
    keys: isSet(all) ? [] : Object.keys(all).filter((key) => owns(key, all)),
  })).find(({ keys }) => keys.length > 0);
  if (orphans !== undefined) {
    return {
      rule: `set ${orphans.needs} for ${orphans.keys.join(", ")}`,
      remedy: "Set it, or leave these keys out",
    };
  }
  return all["authorizer.class.name"] === KRAFT_AUTHORIZER
    ? {
        rule: `not set authorizer.class.name to ${KRAFT_AUTHORIZER}, which needs KRaft`,
        remedy: "Take kafka.security.authorizer.AclAuthorizer",
      }
    : undefined;
}

function classesOf(value: string | undefined): string[] {
  return (value ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

function isGiven(value: string | undefined): boolean {
  return value !== undefined && value !== "";
}

/** Whether a key is longer than a prefix and begins with it. */
function isBelow(key: string, prefix: string): boolean {
  return prefix !== "" && key.length > prefix.length && key.startsWith(prefix);
}
