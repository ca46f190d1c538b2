import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Wish } from "../operator/wish";
import { buildOperator } from "./lib/operator-bundle";
import { fingerprint } from "./lib/scripts";

/** Arguments of {@link operate}. */
export interface OperateArgs {
  /** The wanted state of the cluster; see `operator/wish.ts`. It may contain secrets. */
  wish: pulumi.Input<Wish>;
  /** A change of a trigger or of the wish runs the operator again. */
  triggers: pulumi.Input<string>[];
  /** Time limit of the whole run. Each wait of the operator also has its own limit. */
  timeoutMinutes: number;
}

/**
 * Runs the operator on the machine where Pulumi runs.
 *
 * A failed run does not change Pulumi's state, although the cluster may have changed. So a resource of its
 * own records each attempt first. After a failure the operator then runs again until it succeeds, even if
 * the user restores the former wish.
 */
export function operate(
  name: string,
  { wish, triggers, timeoutMinutes }: OperateArgs,
  opts: pulumi.CustomResourceOptions,
): local.Command {
  const operator = buildOperator();
  const text = pulumi.output(wish).apply((value) => JSON.stringify(value));
  tellPreview(name, text);
  const attempt = new local.Command(
    `${name}-attempt`,
    {
      create: "date +%s%N",
      environment: { WISH: text.apply((value) => fingerprint(value, operator.version)) },
      triggers,
      addPreviousOutputInEnv: false,
      logging: "none",
    },
    opts,
  );
  const timeout = `${timeoutMinutes}m`;
  return new local.Command(
    name,
    {
      interpreter: ["node"],
      create: operator.file,
      stdin: pulumi.secret(text),
      environment: { OPERATOR_ATTEMPT: attempt.stdout },
      addPreviousOutputInEnv: false,
    },
    { ...opts, dependsOn: [attempt], customTimeouts: { create: timeout, update: timeout } },
  );
}

/**
 * In `npm run preview`, writes the wish to a file. The command then asks the operator what it would do.
 * Does not write a wish with values that are not known yet.
 */
function tellPreview(name: string, text: pulumi.Output<string>): void {
  const directory = process.env["KAFKALAB_WISHES"];
  if (directory !== undefined && pulumi.runtime.isDryRun()) {
    text.apply((value) => writeFileSync(join(directory, name), value, { mode: 0o600 }));
  }
}
