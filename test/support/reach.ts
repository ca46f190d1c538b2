import { connect } from "node:net";
import { serversIn } from "../../cli/clients/access";

/** How long a port that drops packets is waited for, in milliseconds. */
const PATIENCE = 3000;

/** Whether this machine can open a TCP connection: `open` or `closed`. */
export function portState(address: string, port: number): Promise<"open" | "closed"> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: PATIENCE });
    const end = (state: "open" | "closed") => {
      socket.destroy();
      resolve(state);
    };
    socket.once("connect", () => end("open"));
    socket.once("error", () => end("closed"));
    socket.once("timeout", () => end("closed"));
  });
}

/** The states of the ports in a list of bootstrap servers. */
export function serverStates(bootstrapServers: string): Promise<("open" | "closed")[]> {
  return Promise.all(serversIn(bootstrapServers).map(({ host, port }) => portState(host, port)));
}
