import { readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./run";

/** The pinned version of a package of the bench's Python. */
export function pinned(name: string): string {
  const text = readFileSync(join(__dirname, "requirements.txt"), "utf8");
  return new RegExp(`^${name}==(\\S+)`, "m").exec(text)?.[1] ?? "unknown";
}

/** Returns the path of the bench's Python. Installs it if it is missing. */
export async function python(): Promise<string> {
  const options = { env: process.env, limitSeconds: 600 };
  return (await run([join(__dirname, "python.sh")], options)).stdout.trim();
}
