import { createServer } from "node:net";
import { listenerPort } from "../../components/lib/kafka-listeners";
import { NO_SECURITY } from "../../components/lib/kafka-security";
import { itemAt } from "../../shared/item-at";
import { CONFIG_ARGUMENTS } from "../hosts/ssh-config";
import { npmRun } from "../lib/npm-run";
import { Refusal } from "../lib/refusal";
import { clientServers, isTunnelled, serversIn } from "./access";
import type { ClientLab } from "./lab";

/** A port of this machine that leads to a broker. */
export interface Forward {
  /** The port on the loopback interface of this machine. */
  port: number;
  broker: string;
  /** The address of the broker in the VPC. */
  address: string;
}

/** What a tunnel connects. */
export interface TunnelPlan {
  bastion: string;
  bootstrapServers: string;
  /** Whether clients need a user. */
  isSecured: boolean;
  /** The port of every broker in the VPC. */
  brokerPort: number;
  forwards: Forward[];
}

/**
 * Plans a tunnel: each broker says in its metadata that it is on a port of `localhost`, so the ports come from
 * the stack's outputs.
 *
 * @throws Refusal if the lab needs no tunnel, or has none now.
 */
export function planTunnel(lab: Omit<ClientLab, "directory">): TunnelPlan {
  const { hosts, isPaused, outputs, stack } = lab;
  const bastion = Object.keys(hosts).find((name) => name.startsWith("peter-bastion"));
  if (bastion === undefined) {
    throw publicLab(lab);
  }
  if (isPaused || hosts[bastion]?.address === undefined) {
    throw new Refusal(
      `the lab is paused: ${bastion} does not run.`,
      `Start it: pulumi config set kafkalab:running true -s ${stack.name}; ${npmRun("up", stack.name)}`,
    );
  }
  const bootstrapServers = clientServers(outputs, stack.name);
  if (!isTunnelled(bootstrapServers)) {
    throw new Refusal(
      `the outputs of the stack ${stack.name} are from its former topology: ${bootstrapServers}`,
      `Complete the change: ${npmRun("up", stack.name)}`,
    );
  }
  const brokers = brokersOf(lab);
  const servers = serversIn(bootstrapServers);
  if (servers.length !== brokers.length) {
    throw new Refusal(
      `the outputs of the stack ${stack.name} name ${servers.length} brokers, but it has ${brokers.length}.`,
      `Complete the change: ${npmRun("up", stack.name)}`,
    );
  }
  const protocol = outputs.clientSecurity?.protocol ?? "PLAINTEXT";
  return {
    ...{ bastion, bootstrapServers, isSecured: protocol !== "PLAINTEXT" },
    brokerPort: listenerPort("tunnel", (outputs.security ?? NO_SECURITY).to),
    forwards: brokers.map(({ name, privateIp }, index) => ({
      ...{ port: itemAt(servers, index).port, broker: name, address: privateIp },
    })),
  };
}

function publicLab({ outputs, stack }: Pick<ClientLab, "outputs" | "stack">): Refusal {
  const { clientBootstrapServers } = outputs;
  const problem = `the stack ${stack.name} has the public topology, which needs no tunnel.`;
  return clientBootstrapServers === undefined
    ? new Refusal(
        problem,
        `Its brokers have no listener for clients outside the VPC. Set kafkalab:clientAllowedCidrs, then: ${npmRun("up", stack.name)}`,
      )
    : new Refusal(problem, `Clients connect to the brokers directly: ${clientBootstrapServers}`);
}

/** The brokers in the order of their ids. */
function brokersOf({ hosts }: Pick<ClientLab, "hosts">): { name: string; privateIp: string }[] {
  return Object.values(hosts)
    .map(({ names, privateIp }) => ({ name: names[0], privateIp }))
    .filter(({ name }) => name.startsWith("peter-kafka"))
    .sort((one, other) => ordinalOf(one.name) - ordinalOf(other.name));
}

const ordinalOf = (name: string) => Number(/\d+$/.exec(name)?.[0]);

/** The command on the bastion: it says which brokers answer, and ends the connection when its input ends. */
function bastionScript({ forwards, brokerPort }: TunnelPlan): string {
  const addresses = forwards.map(({ address }) => address).join(" ");
  return [
    `for address in ${addresses}; do`,
    `(timeout 5 bash -c ": </dev/tcp/$address/${brokerPort}" 2>/dev/null && echo "open $address") &`,
    "done; wait; echo ready",
    // If this machine's process was killed, its clients may still hold the forwarded connections, and then
    // the connection of ssh would outlive it. The parent is the connection's process of sshd.
    "cat >/dev/null; kill $PPID",
  ].join("\n");
}

/** The arguments of ssh for a tunnel. ssh must run in the directory of the configuration. */
export function tunnelArguments(plan: TunnelPlan): string[] {
  const { bastion, forwards, brokerPort } = plan;
  return [
    ...[...CONFIG_ARGUMENTS, "-T"],
    ...["-o", "ExitOnForwardFailure=yes"],
    // A dead bastion ends the tunnel within 15 s.
    ...["-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3"],
    // The user's own configuration may share connections. A shared connection would keep the ports open.
    ...["-o", "ControlMaster=no", "-o", "ControlPath=none"],
    // For "localhost", ssh listens on both loopback addresses and on no others.
    ...forwards.flatMap(({ port, address }) => [
      "-L",
      `localhost:${port}:${address}:${brokerPort}`,
    ]),
    bastion,
    bastionScript(plan),
  ];
}

/**
 * Checks that no program of this machine listens on the ports.
 *
 * @throws Refusal if one does.
 */
export async function checkPorts(forwards: readonly Forward[], stack: string): Promise<void> {
  const ports = forwards.map(({ port }) => port);
  const taken = await Promise.all(ports.map(isTaken));
  const busy = ports.filter((_, index) => taken[index]);
  const [first] = busy;
  if (first === undefined) {
    return;
  }
  const subject = busy.length === 1 ? `port ${first} is` : `ports ${busy.join(", ")} are`;
  throw new Refusal(
    `the ${subject} in use on this machine, perhaps by another npm run tunnel.`,
    `To see the program: ss -ltnp 'sport = :${first}'`,
    "To use other ports, for example 29092 and up, change the setting tunnelPort:",
    `  pulumi config set kafkalab:tunnelPort 29092 -s ${stack}; ${npmRun("up", stack)}`,
  );
}

/** Whether a program listens on a port of a loopback address. */
async function isTaken(port: number): Promise<boolean> {
  for (const address of ["127.0.0.1", "::1"]) {
    if (await isInUse(port, address)) {
      return true;
    }
  }
  return false;
}

function isInUse(port: number, address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    // Other errors have other causes, for example a machine without IPv6. ssh reports those that matter.
    server.once("error", ({ code }: NodeJS.ErrnoException) => resolve(code === "EADDRINUSE"));
    server.listen({ port, host: address }, () => server.close(() => resolve(false)));
  });
}
