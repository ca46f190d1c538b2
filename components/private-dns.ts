import * as route53 from "@pulumi/aws/route53";
import * as pulumi from "@pulumi/pulumi";
import { pointerName, reverseZone } from "./lib/addresses";
import { named } from "./site";

/** TTL of the records. Short, because a host's address can change. Java caches names equally long. */
const TTL_SECONDS = 30;

/** Arguments of {@link PrivateDns}. */
export interface PrivateDnsArgs {
  vpcId: pulumi.Input<string>;
  vpcCidr: string;
  domain: string;
  tags: Record<string, string>;
}

/** A private zone for the lab's names and one for its addresses. Only the VPC can see them. */
export class PrivateDns extends pulumi.ComponentResource {
  readonly domain: string;
  readonly zoneId: pulumi.Output<string>;
  readonly reverseZoneId: pulumi.Output<string>;

  constructor(name: string, args: PrivateDnsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("kafkalab:index:PrivateDns", name, {}, opts);
    const zone = (role: string, zoneName: string, comment: string) =>
      new route53.Zone(
        `${name}-${role}`,
        {
          name: zoneName,
          comment,
          vpcs: [{ vpcId: args.vpcId }],
          tags: named(args.tags, zoneName),
        },
        { parent: this },
      );
    this.domain = args.domain;
    this.zoneId = zone("zone", args.domain, "Names of the Kafka lab").id;
    this.reverseZoneId = zone(
      "reverse-zone",
      reverseZone(args.vpcCidr),
      "Addresses of the Kafka lab",
    ).id;
    this.registerOutputs({
      domain: this.domain,
      zoneId: this.zoneId,
      reverseZoneId: this.reverseZoneId,
    });
  }

  /** Creates the A and the PTR record of a host, as children of `parent`. */
  register(
    name: string,
    hostName: string,
    address: string,
    parent: pulumi.Resource,
  ): pulumi.Resource[] {
    const fullName = `${hostName}.${this.domain}`;
    return [
      new route53.Record(
        `${name}-record`,
        { zoneId: this.zoneId, name: fullName, type: "A", ttl: TTL_SECONDS, records: [address] },
        { parent },
      ),
      new route53.Record(
        `${name}-pointer`,
        {
          zoneId: this.reverseZoneId,
          name: pointerName(address),
          type: "PTR",
          ttl: TTL_SECONDS,
          records: [fullName],
        },
        // The name of a PTR record contains the address. Delete the old record first: it must not point to
        // the host any longer, and two hosts that exchange addresses would need the same name.
        { parent, deleteBeforeReplace: true },
      ),
    ];
  }
}
