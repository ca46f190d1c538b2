/*
 * Whether brokers with their present listeners can work with others that already have their next ones.
 */
import { readProperties } from "../service/properties";
import type { BrokerWish } from "../wish";
import type { BrokerLook } from "./roll";

/** The listeners for clients inside the VPC, and the mode of `kafkalab:security` that each belongs to. */
const MODES: Readonly<Record<string, string>> = {
  PLAINTEXT: "plaintext",
  SSL: "tls",
  SASL_SSL: "sasl",
};

interface Listeners {
  /** The port by the name of the listener. */
  ports: ReadonlyMap<string, number>;
  /** The listener that brokers use among themselves. */
  interBroker: string;
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
  const [present, next] = [listenersIn(files.config), listenersIn(config)];
  const common = [...present.ports.keys()].filter((name) => next.ports.has(name));
  const isSound =
    [present.interBroker, next.interBroker].every((name) => common.includes(name)) &&
    common.some((name) => Object.hasOwn(MODES, name)) &&
    [...present.ports.values()].includes(Number(server.split(":").at(-1)));
  if (isSound) {
    return undefined;
  }
  const [from, to] = [modesOf(present), modesOf(listenersIn(stages.at(-1)?.config ?? ""))];
  return (
    `setting "kafkalab:security": it must first be {from: ${from.at(-1)}, to: ${to.at(-1)}}, so that ` +
    `clients and brokers can change over; got ${to.join(" and ")}, and brokers have ${from.join(" and ")}. ` +
    "Nothing was changed. Set it so, run up to its end, and then set the new mode."
  );
}

function modesOf({ ports }: Listeners): string[] {
  return [...ports.keys()].flatMap((name) => MODES[name] ?? []);
}
