import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { type Ended, must, run } from "./run";

/**
 * A network namespace that is the machine for a local cloud: its links, routes and firewall are the
 * test's own. Its default route leads to an outside that counts what comes.
 */
export class SmallMachine {
  readonly name = `kt-${randomBytes(3).toString("hex")}`;
  private readonly outside = `${this.name}-out`;

  /** A command that runs the rest of a command line on the machine. */
  get enter(): string[] {
    // Not `ip netns exec`, which would hide the namespaces that the plugin makes.
    return ["nsenter", `--net=/run/netns/${this.name}`];
  }

  async make(): Promise<void> {
    const { name, outside } = this;
    for (const namespace of [name, outside]) await must(["ip", "netns", "add", namespace]);
    await must([
      ...["ip", "-n", name, "link", "add", "eth0", "type", "veth"],
      ...["peer", "name", "eth0", "netns", outside],
    ]);
    const lines = (address: string, ...more: string[]) =>
      ["link set lo up", `address add ${address}/24 dev eth0`, "link set eth0 up", ...more].join("\n");
    const machine = lines("192.0.2.2", "route add default via 192.0.2.1");
    await must(["ip", "-n", name, "-batch", "-"], { input: `${machine}\n` });
    await must(["ip", "-n", outside, "-batch", "-"], { input: `${lines("192.0.2.1")}\n` });
    const counter = "ip daddr 198.18.0.0/15 counter";
    await must(["ip", "netns", "exec", outside, "nft", "-f", "-"], {
      input: `table inet t { chain c { type filter hook prerouting priority 0; ${counter}\n}\n}\n`,
    });
  } // prettier-ignore

  /** Runs a command on the machine that must succeed, and returns what it printed. */
  must(...argv: string[]): Promise<string> {
    return must([...this.enter, ...argv]);
  }

  /** Runs a line of shell on the machine, whatever its status. */
  shell(line: string): Promise<Ended> {
    return run([...this.enter, "bash", "-c", line]);
  }

  /** How many packets for public addresses of labs have left the machine by its default route. */
  async left(): Promise<number> {
    const list = ["nft", "list", "chain", "inet", "t", "c"];
    const text = await must(["ip", "netns", "exec", this.outside, ...list]);
    return Number(/counter packets (\d+)/.exec(text)?.[1]);
  }

  /** Gives the machine these tables of nftables, and no others. */
  async firewall(tables: string): Promise<void> {
    await must([...this.enter, "nft", "-f", "-"], { input: `flush ruleset\n${tables}\n` });
  }

  /** Makes a port of the machine's loopback reachable from outside, by a socket in the file system. */
  async relay(target: string, path: string): Promise<{ process: ChildProcess; address: string }> {
    const [program = "", ...args] = [...this.enter, process.execPath, "-e", RELAY, target, path];
    // It ends with its standard input, and so with this process.
    const relay = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
    await once(createInterface(relay.stdout), "line");
    return { process: relay, address: `unix:${path}` };
  }

  async remove(): Promise<void> {
    for (const namespace of [this.name, this.outside]) {
      await run(["ip", "netns", "delete", namespace]);
    }
  }
}

const RELAY = `
const net = require("node:net");
const [target, path] = process.argv.slice(1);
const [host, port] = target.split(":");
process.stdin.on("end", () => process.exit()).resume();
net
  .createServer((from) => {
    const to = net.connect(port, host);
    from.pipe(to).pipe(from);
    from.on("error", () => to.destroy());
    to.on("error", () => from.destroy());
  })
  .listen(path, () => console.log("ready"));
`;
