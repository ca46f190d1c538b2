import { readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./run";

/** The version of a package that the bench's Python has. */
export function pinned(name: string): string {
  const text = readFileSync(join(__dirname, "requirements.txt"), "utf8");
  return new RegExp(`^${name}==(\\S+)`, "m").exec(text)?.[1] ?? "unknown";
}

/** The path of the bench's Python, which is installed if it is not there. */
export async function python(): Promise<string> {
  const options = { env: process.env, limitSeconds: 600 };
  return (await run([join(__dirname, "python.sh")], options)).stdout.trim();
}
