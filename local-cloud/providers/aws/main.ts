import { main } from "@pulumi/pulumi/provider";
import { localCloud } from "./provider";

// The engine starts the plugin and, if it is killed, cannot end it: without an engine, end.
const engine = process.ppid;
setInterval(() => {
  if (process.ppid !== engine) process.exit(1);
}, 500).unref();

void main(localCloud, process.argv.slice(2));
