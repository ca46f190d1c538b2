import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "./host";
import { renderScript } from "./lib/scripts";

/** Arguments of {@link runScript}. */
export interface RemoteScriptArgs {
  host: Host;
  /** Files of `scripts/remote/`, run as one script, as root. */
  files: string[];
  /** Shell variables that the files read. */
  variables: Record<string, pulumi.Input<string>>;
  /** A change of any of these runs the script again, as every change of the script does. */
  triggers: pulumi.Input<string>[];
  /** How long connecting and running may take. */
  timeoutMinutes: number;
}

/**
 * Runs a script on a host over SSH. The script goes in on stdin, so no value of it is ever on a
 * command line. Whatever changes runs it again; scripts can stand that.
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
