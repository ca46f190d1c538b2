import * as z from "zod";
import { computed, kind, replaces, unordered } from "../kind";
import { domainName, flag } from "../properties";

export const zone = kind({
  token: "aws:route53/zone:Zone",
  notFound: { code: "NoSuchHostedZone", what: "hosted zone" },
  inputs: {
    name: replaces(domainName),
    comment: z.string().default("Managed by Pulumi"),
    forceDestroy: flag(false),
    vpcs: z.array(z.strictObject({ vpcId: z.string(), vpcRegion: computed(z.string()) })),
    tags: z.record(z.string(), z.string()).optional(),
  },
  chosen: {},
});

export const record = kind({
  token: "aws:route53/record:Record",
  inputs: {
    zoneId: replaces(z.string()),
    name: replaces(domainName),
    type: replaces(z.enum(["A", "PTR", "CNAME"])),
    ttl: z
      .number()
      .refine(
        (ttl) => Number.isInteger(ttl) && ttl >= 0 && ttl <= 2147483647,
        "must be a whole number of seconds from 0 to 2147483647",
      ),
    records: unordered(z.array(z.string())),
    allowOverwrite: computed(z.boolean()),
  },
  chosen: { fqdn: z.string() },
});
