import { main } from "@pulumi/pulumi/provider";
import { acknowledgeCreated } from "./acknowledgement";
import { guardAll } from "./network";
import { localCloud } from "./provider";

// Services on hosts and dnsmasq must be able to read the plugin's files, even if the user has a strict umask.
process.umask(0o022);

// A killed engine cannot stop the plugin, so the plugin exits when its parent process is gone.
const engine = process.ppid;
process.on("SIGINT", () => {
  // The engine stops a plugin in this way when it no longer needs it.
  const noted = process.ppid === engine ? acknowledgeCreated() : Promise.resolve();
  void noted.finally(() => process.exit(0));
});
setInterval(() => {
  if (process.ppid !== engine) {
    process.exit(1);
  }
}, 500).unref();

// The engine waits for the port that this prints. Until then, nothing can connect to a host.
void guardAll().then(
  () => main(localCloud, process.argv.slice(2)),
  (error: unknown) => {
    console.error(
      `the local cloud could not set the routes that keep connections to its hosts on this machine: ${String(error)}`,
    );
    process.exit(1);
  },
);
