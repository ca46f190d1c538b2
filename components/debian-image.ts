import * as ssm from "@pulumi/aws/ssm";
import * as pulumi from "@pulumi/pulumi";
import { type Architecture } from "./lib/instance-types";

/** The image that new hosts boot. */
export interface Image {
  /** Id of the AMI. */
  id: pulumi.Output<string>;
  architecture: Architecture;
}

const DEBIAN_NAMES: Record<Architecture, string> = { x86_64: "amd64", arm64: "arm64" };

/** The current Debian 12 of an architecture: the AMI that Debian's public parameter names. */
export function debianImage(architecture: Architecture, opts: pulumi.InvokeOutputOptions): Image {
  const name = `/aws/service/debian/release/12/latest/${DEBIAN_NAMES[architecture]}`;
  return { id: ssm.getParameterOutput({ name }, opts).insecureValue, architecture };
}
