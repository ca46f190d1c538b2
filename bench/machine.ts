import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { run } from "./run";

/** Describes the machine of the measurements, with its software versions. */
export type Machine = Record<string, string>;

/** The load average of the last 1, 5 and 15 minutes. */
export const load = () =>
  loadavg()
    .map((value) => value.toFixed(1))
    .join(" ");

/** Describes this machine. */
export async function describeMachine(loadBefore: string): Promise<Machine> {
  const env = process.env;
  const firstLine = async (...argv: string[]) =>
    (await run(argv, { env, limitSeconds: 30 })).stdout.split("\n")[0] ?? "";
  const processors = cpus();
  return {
    system: /^PRETTY_NAME="(.*)"$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "unknown",
    kernel: release().split("-")[0] ?? "",
    processor: `${processors.length} × ${processors[0]?.model.trim() ?? "unknown"}`,
    memory: `${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    "load average before": loadBefore,
    "load average after": load(),
    pulumi: await firstLine("pulumi", "version"),
    node: process.version,
    systemd: (await firstLine("systemd-nspawn", "--version")).replace(/^systemd /, ""),
  };
}

/** The current commit, with a "+" if files differ from it. */
export async function commit(): Promise<string> {
  const git = async (...args: string[]) =>
    (await run(["git", "-C", __dirname, ...args], { env: process.env, limitSeconds: 30 })).stdout;
  const changed = await git("status", "--porcelain", "--", "..", ":!RESULTS.md", ":!results");
  return `${(await git("rev-parse", "--short=10", "HEAD")).trim()}${changed === "" ? "" : "+"}`;
}
