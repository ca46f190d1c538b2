import { main } from "@pulumi/pulumi/provider";
import { acknowledgeCreated, localCloud } from "./provider";

// Services on hosts and dnsmasq read what it makes, whatever umask the user has.
process.umask(0o022);

// The engine starts the plugin and, if it is killed, cannot end it: without an engine, end.
const engine = process.ppid;
process.on("SIGINT", () => {
  // So the engine ends a plugin that it no longer needs.
  const noted = process.ppid === engine ? acknowledgeCreated() : Promise.resolve();
  void noted.finally(() => process.exit(0));
});
setInterval(() => {
  if (process.ppid !== engine) process.exit(1);
}, 500).unref();

void main(localCloud, process.argv.slice(2));
