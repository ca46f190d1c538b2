import { connect } from "node:net";

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

/** Splits `host:port`. */
export function endpoint(server: string): [string, number] {
  const [address = "", port = ""] = server.split(":");
  return [address, Number(port)];
}
