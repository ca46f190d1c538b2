import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readOutputs } from "../clients/lab";
import { checkRoute, writeAccess } from "../hosts/access-files";
import type { Hosts, LabHost } from "../hosts/hosts";
import { CONFIG_ARGUMENTS } from "../hosts/ssh-config";
import { root } from "../lib/places";
import type { Stack } from "../lib/stack";
import { exportedResources } from "../pulumi/stacks";
import { readHostReport } from "./host-report";
import { localCloudStatus, type LocalCloudStatus } from "./local-cloud";
import { type HostAnswer, judgeLab, type LabStatus } from "./report";

/** How long a host may take to report its state. */
const HOST_SECONDS = 20;

/**
 * Gathers the state of the lab. Queries all hosts in parallel. A host that does not answer counts as down.
 * The local cloud knows which hosts are powered off, so the command does not wait for them.
 */
export async function labStatus(stack: Stack): Promise<LabStatus> {
  // A command that only reads must not leave a key on the disk.
  const work = mkdtempSync(join(tmpdir(), "kafkalab-status-"));
  try {
    const [cloud, resources] = await Promise.all([
      stack.target === "local" ? localCloudStatus(stack.name) : undefined,
      exportedResources(stack, "clear"),
    ]);
    const hosts = await writeAccess(stack, join(work, "access"), resources);
    const answers = await askHosts(hosts, stack, join(work, "access"), cloud);
    const all = Object.values(hosts);
    return judgeLab({
      ...{ stack: stack.name, target: stack.target, hosts: all, answers },
      certificates: readOutputs(resources).security?.ends ?? {},
      ...(cloud !== undefined && { cloud }),
    });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function askHosts(
  hosts: Hosts,
  stack: Stack,
  access: string,
  cloud: LocalCloudStatus | undefined,
): Promise<Map<string, HostAnswer>> {
  const isLinked = await checkRoute(hosts, stack).then(
    () => true,
    () => false,
  );
  const script = readFileSync(join(root, "cli/status/host.sh"), "utf8");
  const ask = async (host: LabHost): Promise<HostAnswer> => {
    const [name] = host.names;
    if (host.address === undefined || (cloud?.hosts[name] ?? "running") !== "running") {
      return { down: "stopped" };
    }
    if (!isLinked) {
      return { down: "no link of this machine leads there; run: npm run up" };
    }
    return askHost(name, access, script);
  };
  const all = Object.values(hosts);
  const answers = await Promise.all(all.map(ask));
  return new Map(all.flatMap(({ names }, index) => {
    const answer = answers[index];
    return answer === undefined ? [] : [[names[0], answer] as const];
  })); // prettier-ignore
}

async function askHost(name: string, access: string, script: string): Promise<HostAnswer> {
  const child = spawn(
    "ssh",
    [...CONFIG_ARGUMENTS, name, "timeout", String(HOST_SECONDS), "bash", "-s"],
    {
      cwd: access,
    },
  );
  const printed = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (printed.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (printed.stderr += text));
  child.stdin.on("error", () => undefined); // the program did not read all of it
  child.stdin.end(script);
  await once(child, "close");
  const report = readHostReport(printed.stdout);
  const lastLine = printed.stderr.replaceAll("\r", "").trimEnd().split("\n").at(-1) ?? "";
  return report === undefined ? { down: lastLine.slice(0, 60) } : { report };
}
