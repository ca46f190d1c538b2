import { REPLICATION_PORT } from "../../shared/kafka-contact";
import { type SecurityMode, type SecurityStage } from "./kafka-security";

/** The clients that a listener serves: inside the VPC, outside it, or through the bastion. */
export type ListenerPlace = "inside" | "client" | "tunnel";

/** The ports of the listeners for clients. 9092 is the book's. */
const PORTS: Record<ListenerPlace, Record<SecurityMode, number>> = {
  inside: { plaintext: 9092, tls: 9093, sasl: 9096 },
  client: { plaintext: 9094, tls: 9194, sasl: 9196 },
  tunnel: { plaintext: 9095, tls: 9195, sasl: 9197 },
};

/** Kafka's name for the protocol of a mode. */
export const PROTOCOLS = { plaintext: "PLAINTEXT", tls: "SSL", sasl: "SASL_SSL" } as const;

/** The name of the brokers' own listener. */
export const REPLICATION = "REPLICATION";

/** The SASL mechanism of clients. */
export const MECHANISM = "SCRAM-SHA-512";

/** The port of a listener for clients. */
export function listenerPort(place: ListenerPlace, mode: SecurityMode): number {
  return PORTS[place][mode];
}

/** How clients outside the VPC reach brokers: each broker's elastic address, or a tunnel to the bastion. */
export type ClientAccess =
  | { way: "elastic-address" }
  /** @property firstPort The local port of broker 1. The next broker has the next port. */
  | { way: "tunnel"; firstPort: number };

/** A listener of a broker. */
interface Listener {
  name: string;
  port: number;
  /** The `host:port` that clients use. */
  advertised: string;
  protocol: (typeof PROTOCOLS)[SecurityMode];
}

/** Where clients outside the VPC find one broker. */
export type Outside =
  | { place: "client"; address: string }
  /** @property port The port at the end of the tunnel on the client's machine. */
  | { place: "tunnel"; port: number };

/** The `host:port` that clients outside the VPC use. */
export function advertisedOutside(outside: Outside, mode: SecurityMode): string {
  return outside.place === "client"
    ? `${outside.address}:${listenerPort("client", mode)}`
    : `localhost:${outside.port}`;
}

/** What the listeners of a broker depend on. */
export interface ListenerArgs {
  /** The full host name of the broker. */
  advertisedName: string;
  /** Clients outside the VPC; undefined if they cannot connect. */
  outside: Outside | undefined;
  stage: SecurityStage;
}

/** The listeners of a broker, those for clients inside the VPC first. */
export function listenersOf({ advertisedName, outside, stage }: ListenerArgs): Listener[] {
  const inside = stage.modes.map((mode): Listener => {
    const port = listenerPort("inside", mode);
    const protocol = PROTOCOLS[mode];
    return { name: protocol, port, advertised: `${advertisedName}:${port}`, protocol };
  });
  const beyond = stage.modes.flatMap((mode): Listener[] => {
    if (outside === undefined) {
      return [];
    }
    const protocol = PROTOCOLS[mode];
    const place = outside.place.toUpperCase();
    return [
      {
        name: mode === "plaintext" ? place : `${place}_${protocol}`,
        port: listenerPort(outside.place, mode),
        advertised: advertisedOutside(outside, mode),
        protocol,
      },
    ];
  });
  return [...inside, ...beyond, ...replication(advertisedName, stage)];
}

/** The brokers' own listener, if any client uses TLS. */
function replication(advertisedName: string, { modes }: SecurityStage): Listener[] {
  const advertised = `${advertisedName}:${REPLICATION_PORT}`;
  return modes.every((mode) => mode === "plaintext")
    ? []
    : [{ name: REPLICATION, port: REPLICATION_PORT, advertised, protocol: "SSL" }];
}

/**
 * The keys of {@link listenerLines}. Kafka could change most of them while a broker runs, but the lab
 * restarts the broker: then the file and the broker never differ.
 */
export const LISTENER_KEYS = [
  "listeners",
  "advertised.listeners",
  "listener.security.protocol.map",
  "inter.broker.listener.name",
];

/** The prefix of the keys of one listener. */
export const listenerPrefix = (name: string) => `listener.name.${name.toLowerCase()}`;

/** The names of all listeners that need a certificate. */
export const TLS_LISTENERS = [
  REPLICATION,
  ...(["SSL", "SASL_SSL"] as const).flatMap((protocol) => [
    protocol,
    `CLIENT_${protocol}`,
    `TUNNEL_${protocol}`,
  ]),
];

/** The lines of `server.properties` about listeners. `kafka-session.sh` expects an inside listener first. */
export function listenerLines(args: ListenerArgs): Record<string, string> {
  const listeners = listenersOf(args);
  const join = (text: (listener: Listener) => string) => listeners.map(text).join(",");
  return {
    listeners: join(({ name, port }) => `${name}://0.0.0.0:${port}`),
    "advertised.listeners": join(({ name, advertised }) => `${name}://${advertised}`),
    // Kafka knows the protocol of a listener that has the name of a protocol.
    ...(listeners.some(({ name, protocol }) => name !== protocol) && {
      "listener.security.protocol.map": join(({ name, protocol }) => `${name}:${protocol}`),
      "inter.broker.listener.name": args.stage.replicatesOverTls ? REPLICATION : "PLAINTEXT",
    }),
  };
}
