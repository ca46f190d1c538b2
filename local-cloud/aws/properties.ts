import * as z from "zod";
import { isAddress, isNetwork, parseCidr } from "../machine/addresses";
import { REGION, ZONES } from "./ids";
import { computed, replaces } from "./kind";

/*
 * Properties of several resource types. Each message contains the rule. check.ts adds the value.
 */

/** Every regional resource has the property `region`. The local cloud has one region. */
export const IN_REGION = { region: replaces(computed(z.enum([REGION]))) };

export const TAGS = { tags: z.record(z.string(), z.string()).optional(), ...IN_REGION };

/** A property with a fixed default. */
export const flag = (value: boolean) => z.boolean().default(value);

export const zoneName = z.enum(Object.keys(ZONES));

export const address = z.string().refine(isAddress, "must be an IPv4 address");

/** An IPv4 block that starts at its network address. */
export const network = z
  .string()
  .refine(isNetwork, { error: "must be an IPv4 CIDR block that starts at its network address", abort: true }); // prettier-ignore

/** Like {@link network}, with a size that AWS accepts. */
export function block(minPrefix: number, maxPrefix: number) {
  const fits = (cidr: string) => {
    const { prefix } = parseCidr(cidr);
    return prefix >= minPrefix && prefix <= maxPrefix;
  };
  return network.refine(fits, `must be a block between /${minPrefix} and /${maxPrefix}`);
}

const LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?";
const DOMAIN_NAME = new RegExp(`^${LABEL}(\\.${LABEL})*\\.?$`, "i");

/** Whether the text is a name without wildcards, such as `foo.bar` or `foo.bar.`. */
export const isDomainName = (name: string) => name.length <= 255 && DOMAIN_NAME.test(name);

export const domainName = z
  .string()
  .refine(isDomainName, "must be a domain name without wildcards");
