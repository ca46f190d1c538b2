import { z } from "zod";
import type { RemoteHost } from "../host";
import { report } from "../progress";
import type { ServiceWish } from "../wish";
import { noteOf, secretLines, secretsDirectory, type ServiceFiles } from "./files";

/**
 * How long a script that changes a host may take. The script waits up to 600 s for another script. It also
 * changes the owner of all files on a volume that comes from a host with another image.
 */
export const SCRIPT_SECONDS = 900;

/** Longer than the time limits of the systemd unit: 180 s to stop and 120 s to start. */
const LAUNCH_SECONDS = 330;

/** The state of a service as its host reports it. */
export interface NodeState {
  /** Whether the systemd unit is active. */
  active: boolean;
  /** How often systemd restarted the service automatically since the last manual start. */
  restarts: number;
  /** Whether the service exited and systemd is about to restart it. */
  restarting: boolean;
  /** The files on the host; undefined if the service was never configured. */
  files: ServiceFiles | undefined;
  /** The note of the files. */
  written: string | undefined;
  /** The note of the files that the running process was started with. */
  running: string | undefined;
  /** Paths of the files on the host that hold secrets. */
  secrets: readonly string[];
  /** Additional files that the caller requested, by path. Missing files are left out. */
  further: ReadonlyMap<string, string>;
}

const systemd = z.object({
  ActiveState: z.string(),
  SubState: z.string(),
  NRestarts: z.coerce.number(),
});

/**
 * Reads the output of `service-state.sh`: `<name> <base64>` lines.
 *
 * @throws Error if a line has another format.
 */
export function readNodeState(text: string): NodeState {
  const values = new Map(
    text
      .split("\n")
      .filter((line) => line !== "")
      .map((line): [string, string] => {
        const [name = "", value = ""] = line.split(" ");
        return [name, Buffer.from(value, "base64").toString()];
      }),
  );
  const unit = systemd.parse(
    Object.fromEntries((values.get("systemd") ?? "").split("\n").map((line) => line.split("="))),
  );
  // service-write.sh ends each file with an additional newline.
  const file = (name: string) => values.get(name)?.replace(/\n$/, "");
  const [release, config, logging, unitFile] = ["release", "config", "logging", "unit"].map(file);
  const isConfigured =
    release !== undefined &&
    config !== undefined &&
    logging !== undefined &&
    unitFile !== undefined;
  const active = unit.ActiveState === "active";
  return {
    active,
    restarts: unit.NRestarts,
    restarting: unit.SubState === "auto-restart",
    files: isConfigured ? { release, config, logging, unit: unitFile } : undefined,
    written: values.get("written")?.trim(),
    running: active ? values.get("running")?.trim() : undefined,
    secrets: values.get("secrets")?.split("\n").filter(Boolean) ?? [],
    further: new Map(
      [...values]
        .filter(([name]) => name.startsWith("/"))
        .map(([name, text]) => [name, text.replace(/\n$/, "")]),
    ),
  };
}

/** One node of a service: reads and changes the service on its host. */
export class ServiceNode {
  /**
   * @param notesOf One-line notes to write before the files: text by path. @default none
   */
  constructor(
    readonly host: RemoteHost,
    private readonly service: ServiceWish,
    private readonly notesOf: (files: ServiceFiles) => Record<string, string> = () => ({}),
  ) {}

  /** Waits until the host has booted, and grows the file system of `/data` to the size of its volume. */
  async prepare(): Promise<void> {
    const { volumeGiB } = this.service;
    await this.host.script(
      ["prepare.sh"],
      { VOLUME_GIB: String(volumeGiB) },
      { seconds: SCRIPT_SECONDS },
    );
  }

  /** @param further Paths of additional files to read. */
  async state(further: readonly string[] = []): Promise<NodeState> {
    const variables = { ...this.variables(), FURTHER: further.join(" ") };
    return readNodeState(await this.host.script(["service-state.sh"], variables));
  }

  /** Writes the files and their note. Does not restart the service. */
  async write(files: ServiceFiles): Promise<void> {
    const variables = {
      ...this.variables(),
      DIRECTORY: files.release,
      CONFIG: files.config,
      LOGGING: files.logging,
      UNIT: files.unit,
      NOTE: noteOf(files),
      SECRETS: secretLines(files.secrets),
      FURTHER: Object.entries(this.notesOf(files))
        .map(([path, text]) => `${path} ${text}`)
        .join("\n"),
    };
    const scripts = ["service.sh", "service-write.sh"];
    await this.host.script(scripts, variables, { seconds: SCRIPT_SECONDS });
  }

  /** Writes only the files that hold secrets, for a service that takes them while it runs. */
  async writeSecrets({ secrets }: Pick<ServiceFiles, "secrets">): Promise<void> {
    if (Object.keys(secrets ?? {}).length > 0) {
      const variables = { ...this.variables(), SECRETS: secretLines(secrets) };
      const scripts = ["service.sh", "service-secrets.sh"];
      await this.host.script(scripts, variables, { seconds: SCRIPT_SECONDS });
    }
  }

  /**
   * Removes the files that hold secrets, except those to keep. Call it after a successful change, because a
   * failed restart needs the former ones.
   *
   * @param state The state of the node. If it names no other file, this function makes no request.
   */
  async forgetSecrets(
    { secrets }: Pick<NodeState, "secrets">,
    { secrets: kept = {} }: Pick<ServiceFiles, "secrets">,
  ): Promise<void> {
    if (secrets.every((path) => path in kept)) {
      return;
    }
    const variables = { ...this.variables(), KEEP: Object.keys(kept).join(" ") };
    await this.host.script(["service-forget.sh"], variables, { seconds: SCRIPT_SECONDS });
  }

  /** Records that the running service uses the written files, after it applied all changes live. */
  async noteRunning(): Promise<void> {
    const { name } = this.service;
    await this.host.exec([
      "sudo",
      "-n",
      "cp",
      `/etc/kafkalab/${name}.content`,
      `/run/${name}/content`,
    ]);
  }

  /** Starts the service with the written files. If an old process still runs, systemd stops it first. */
  start(): Promise<void> {
    return this.launch("started");
  }

  restart(): Promise<void> {
    return this.launch("restarted");
  }

  private async launch(done: "started" | "restarted"): Promise<void> {
    const { name } = this.service;
    const command = ["sudo", "-n", "systemctl", "restart", name];
    await this.host.exec(command, { seconds: LAUNCH_SECONDS });
    report(`${this.host.name}: ${name} ${done}`);
  }

  /** The last lines of the service's log, without stack traces. */
  async log(lines = 15): Promise<string> {
    const text = await this.host.exec([
      ...["sudo", "-n", "journalctl", "-q", "-u", this.service.name, "-n", "400", "-o", "cat"],
    ]);
    return text
      .split("\n")
      .filter((line) => line.trim() !== "" && !/^\s+at /.test(line))
      .slice(-lines)
      .join("\n");
  }

  private variables(): Record<string, string> {
    const { name, user, link, data, configFile, loggingFile } = this.service;
    return {
      SERVICE: name,
      SERVICE_USER: user,
      LINK: link,
      DATA: data,
      CONFIG_FILE: configFile,
      LOGGING_FILE: loggingFile,
      SECRETS_DIRECTORY: secretsDirectory(name),
    };
  }
}
