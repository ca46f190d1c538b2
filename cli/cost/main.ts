/**
 * Prints what a stack costs on AWS, from the program's resources and the price table in this directory.
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
  // An error that the user can correct needs no stack trace.
  const known = pulumi.RunError.isInstance(error) || pulumi.ResourceError.isInstance(error);
  console.error(known ? error.message : error);
  process.exitCode = 1;
});
