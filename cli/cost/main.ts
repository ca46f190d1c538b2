/**
 * Prints what a stack costs on AWS, from what the program declares and the price table beside this.
 * Needs no account, no Pulumi and no network. Exits with 1 if a price is missing.
 *
 *   npm run cost -- [-s STACK] [--json]
 */
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { cost } from "./cost";

async function main(): Promise<void> {
  const { text, complete } = await cost(process.argv.slice(2), join(__dirname, "../.."));
  process.stdout.write(text);
  process.exitCode = complete ? 0 : 1;
}

main().catch((error: unknown) => {
  // What a user can set right needs no stack trace.
  const known = pulumi.RunError.isInstance(error) || pulumi.ResourceError.isInstance(error);
  console.error(known ? error.message : error);
  process.exitCode = 1;
});
