import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "./host";
import { renderScript } from "../shared/remote-script";

/** Arguments of {@link runScript}. */
export interface RemoteScriptArgs {
  host: Host;
  /** Files of `scripts/remote/`, run as one script, as root. */
  files: string[];
  /** Shell variables that the files read. */
  variables: Record<string, pulumi.Input<string>>;
  /** A change of a trigger or of the script runs the script again. */
  triggers: pulumi.Input<string>[];
  /** Time limit for the connection and the script. */
  timeoutMinutes: number;
}

/**
 * Runs a script on a host over SSH. The host's shell reads the script from stdin, so no value appears on
 * a command line. Every change runs the script again, so scripts must be idempotent.
 */
export function runScript(
  name: string,
  args: RemoteScriptArgs,
  opts: pulumi.CustomResourceOptions,
): remote.Command {
  const timeout = `${args.timeoutMinutes}m`;
  return new remote.Command(
    name,
    {
      connection: args.host.connection,
      create: "sudo -n bash -s",
      stdin: pulumi
        .output(args.variables)
        .apply((variables) =>
          renderScript(["common.sh", ...args.files], { HOST: args.host.hostName, ...variables }),
        ),
      triggers: args.triggers,
      addPreviousOutputInEnv: false,
    },
    {
      ...opts,
      customTimeouts: { create: timeout, update: timeout },
      deletedWith: args.host.instance,
    },
  );
}
