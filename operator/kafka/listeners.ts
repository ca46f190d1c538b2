/*
 * Whether brokers with their present listeners can work with others that already have their next ones.
 */
import { readProperties } from "../service/properties";
import type { BrokerWish } from "../wish";
import type { BrokerLook } from "./roll";

type Properties = ReturnType<typeof readProperties>;

/** The listeners for clients inside the VPC, and the mode of `kafkalab:security` that each belongs to. */
const MODES: Readonly<Record<string, string>> = {
  PLAINTEXT: "plaintext",
  SSL: "tls",
  SASL_SSL: "sasl",
};

/** How the keys end that name a listener's certificate, and the CAs that it trusts. */
export const KEY_STORE = ".ssl.keystore.location";
export const TRUST_STORE = ".ssl.truststore.location";

interface Listeners {
  /** The port by the name of the listener. */
  ports: ReadonlyMap<string, number>;
  /** The listener that brokers use among themselves. */
  interBroker: string;
  /** The modes that it serves inside the VPC. */
  modes: string[];
}

/** Reads the listeners in a `server.properties` of the lab. */
export function listenersIn(config: string): Listeners {
  const properties = readProperties(config);
  const ports = (properties.get("listeners") ?? "").split(",").flatMap((text) => {
    const [, name, port] = /^([A-Z_]+):\/\/.*:(\d+)$/.exec(text) ?? [];
    return name === undefined ? [] : [[name, Number(port)] as const];
  });
  return {
    ports: new Map(ports),
    interBroker: properties.get("inter.broker.listener.name") ?? "PLAINTEXT",
    modes: ports.flatMap(([name]) => MODES[name] ?? []),
  };
}

/**
 * Returns why a broker cannot change to the files of a stage while others still have their present ones;
 * undefined if it can.
 */
export function listenerFault(
  { server, stages }: Pick<BrokerWish, "server" | "stages">,
  stage: number,
  { files }: Pick<BrokerLook, "files">,
): string | undefined {
  const config = stages[stage]?.config;
  if (files === undefined || config === undefined) {
    return undefined;
  }
  const isTrusted = keepsTrust(readProperties(files.config), readProperties(config));
  if (!isTrusted) {
    return (
      'setting "kafkalab:rotation": ca must first be {from: the present number, to: the next}, so that ' +
      "brokers and clients trust the new CA before a certificate comes from it. No broker was changed. Set " +
      "it so, run up to its end, and then set the next number."
    );
  }
  const [present, next] = [listenersIn(files.config), listenersIn(config)];
  const common = [...present.ports.keys()].filter((name) => next.ports.has(name));
  const isSound =
    [present.interBroker, next.interBroker].every((name) => common.includes(name)) &&
    common.some((name) => Object.hasOwn(MODES, name)) &&
    [...present.ports.values()].includes(Number(server.split(":").at(-1)));
  if (isSound) {
    return undefined;
  }
  const [from, to] = [present.modes, listenersIn(stages.at(-1)?.config ?? "").modes];
  return (
    `setting "kafkalab:security": it must first be {from: ${from.at(-1)}, to: ${to.at(-1)}}, so that ` +
    `clients and brokers can change over; got ${to.join(" and ")}, and brokers have ${from.join(" and ")}. ` +
    "No broker was changed. Set it so, run up to its end, and then set the new mode."
  );
}

/** Whether the listeners that stay keep their certificate or the CAs that they trust. */
function keepsTrust(present: Properties, next: Properties): boolean {
  return [...present.keys()]
    .filter((key) => key.endsWith(KEY_STORE) && next.has(key))
    .every((key) => {
      const trust = key.slice(0, -KEY_STORE.length) + TRUST_STORE;
      return [key, trust].some((each) => present.get(each) === next.get(each));
    });
}
