import { listenerPort } from "../lib/kafka-listeners";
import { badBlock, LOCAL_ADDRESSES, lacksThisMachine, overlapping } from "./blocks";
import { type Breach } from "./breach";
import { Computed, type Context, integer, list } from "./define";
import { brokers } from "./kafka";
import { target } from "./lab";
import { topology } from "./network";
import { breach } from "./rules";

/** The word for no address at all. An empty list means the default. */
const NOBODY = "none";

const DEFAULT_PORT = 19_092;

const clientAllowedCidrs = list({
  name: "clientAllowedCidrs",
  default: new Computed(
    `${LOCAL_ADDRESSES}, by which this machine sees its hosts, on the local target in the public ` +
      `topology; otherwise ${NOBODY}`,
    (context) =>
      context.get(target) === "local" && context.get(topology) === "public"
        ? [LOCAL_ADDRESSES]
        : [NOBODY],
  ),
  each: (value, context) => (value === NOBODY ? undefined : badBlock("Kafka")(value, context)),
  rule: {
    text:
      `hold IPv4 blocks from /8 to /32 that do not overlap, or only ${NOBODY}; in the private ` +
      "topology it must be left out",
    check: badClients,
  },
  text:
    "The IPv4 blocks whose addresses may use Kafka from outside the VPC, in the public topology. Each " +
    `broker then has an elastic IP address and a listener for them on port ${listenerPort("client", "plaintext")} ` +
    `(${listenerPort("client", "tls")} if kafkalab:security is tls, ${listenerPort("client", "sasl")} if it is sasl), and the ` +
    "output clientBootstrapServers names them. AWS allows 5 elastic IP addresses in a region unless you " +
    "ask for more; Pulumi checks this in the preview. While kafkalab:security is plaintext, the listener " +
    "does not encrypt, and everybody in these blocks may do everything.",
  change:
    `A change of the blocks affects the security groups and nothing else. A change from or to ${NOBODY} ` +
    "restarts the brokers one by one and gives their hosts other public addresses; after a change to " +
    `${NOBODY}, run up a second time, which reads the new addresses.`,
  example: ["203.0.113.7/32"],
});

const tunnelPort = integer({
  name: "tunnelPort",
  default: DEFAULT_PORT,
  rule: {
    text: "be from 1024 to 65535, with a port for each broker",
    check: (value, context) => {
      const last = 65_536 - context.get(brokers);
      return breach(
        value < 1024 || value > last,
        `be from 1024 to ${last}, so that there is a port for each of the ${context.get(brokers)} brokers`,
        `Take ${DEFAULT_PORT}`,
      );
    },
  },
  text:
    "The port on your machine that leads to broker 1 while `npm run tunnel` runs, in the private topology. " +
    "Each further broker has the next port. Labs that you use at the same time need different ports.",
  change: "A change restarts the brokers one by one, since they tell clients the port.",
  example: 29_092,
});

/** The settings for clients outside the VPC. */
export const CLIENT_ACCESS = [clientAllowedCidrs, tunnelPort] as const;

/** The blocks whose addresses may use Kafka from outside the VPC; empty if there are none. */
export function clientCidrs(context: Context): string[] {
  return context.get(clientAllowedCidrs).filter((value) => value !== NOBODY);
}

function badClients(values: string[], context: Context): Breach | undefined {
  if (values.includes(NOBODY)) {
    return breach(
      values.length > 1,
      `hold blocks or ${NOBODY}, not both`,
      `Leave out ${NOBODY}, or everything else`,
    );
  }
  return (
    breach(
      context.get(topology) === "private",
      "be left out in the private topology, where clients come through npm run tunnel",
      "Remove it with: pulumi config rm kafkalab:clientAllowedCidrs",
    ) ??
    overlapping(values) ??
    lacksThisMachine(values, context)
  );
}
