/** The port for hosts of the lab: the listener that the book uses. */
export const BROKER_PORT = 9092;
/** The port for clients outside the VPC, on a broker's elastic address. */
export const CLIENT_LISTENER_PORT = 9094;
/** The port for clients that come through the bastion. */
export const TUNNEL_PORT = 9095;

/** How clients outside the VPC reach brokers: each broker's elastic address, or a tunnel to the bastion. */
export type ClientAccess =
  | { way: "elastic-address" }
  /** @property firstPort The local port of broker 1. The next broker has the next port. */
  | { way: "tunnel"; firstPort: number };

/** A listener besides the one on {@link BROKER_PORT}. */
export interface OutsideListener {
  name: "CLIENT" | "TUNNEL";
  port: number;
  /** The `host:port` that clients use. */
  advertised: string;
}

/** The listener for clients that dial a broker's elastic address. */
export function clientListener(address: string): OutsideListener {
  const port = CLIENT_LISTENER_PORT;
  return { name: "CLIENT", port, advertised: `${address}:${port}` };
}

/** The listener for clients that dial the end of the tunnel on their own machine. */
export function tunnelListener(firstPort: number, id: number): OutsideListener {
  return { name: "TUNNEL", port: TUNNEL_PORT, advertised: `localhost:${firstPort + id - 1}` };
}

/** The listener that brokers and the lab's own tools use. */
const INSIDE = "PLAINTEXT";

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

/**
 * The lines of `server.properties` about listeners. `kafka-session.sh` expects the inside listener first.
 *
 * @param advertisedName The full host name of the broker.
 */
export function listenerLines(
  advertisedName: string,
  outside: OutsideListener | undefined,
): Record<string, string> {
  const listeners = [
    { name: INSIDE, port: BROKER_PORT, advertised: `${advertisedName}:${BROKER_PORT}` },
    ...(outside === undefined ? [] : [outside]),
  ];
  const join = (entries: string[]) => entries.join(",");
  return {
    listeners: join(listeners.map(({ name, port }) => `${name}://0.0.0.0:${port}`)),
    "advertised.listeners": join(
      listeners.map(({ name, advertised }) => `${name}://${advertised}`),
    ),
    // Kafka knows the protocol of a listener that has the name of a protocol.
    ...(outside !== undefined && {
      "listener.security.protocol.map": join(listeners.map(({ name }) => `${name}:PLAINTEXT`)),
      "inter.broker.listener.name": INSIDE,
    }),
  };
}
