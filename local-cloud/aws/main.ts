import { main } from "@pulumi/pulumi/provider";
import { acknowledgeCreated } from "./acknowledgement";
import { guardAll } from "./network";
import { localCloud } from "./provider";

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
  if (process.ppid !== engine) {
    process.exit(1);
  }
}, 500).unref();

// The engine waits for the port that this prints. Until then, nothing can dial a host.
void guardAll().then(
  () => main(localCloud, process.argv.slice(2)),
  (error: unknown) => {
    console.error(
      `the local cloud could not keep connections to its hosts on this machine: ${String(error)}`,
    );
    process.exit(1);
  },
);
