import * as z from "zod";
import { computed, kind, replaces } from "../kind";
import { IN_REGION, TAGS } from "../properties";

export const eip = kind({
  token: "aws:ec2/eip:Eip",
  notFound: { code: "InvalidElasticIpID.NotFound", what: "elastic-ip ID" },
  inputs: { domain: replaces(computed(z.enum(["vpc"]))), ...TAGS },
  chosen: {
    publicIp: z.string(),
    /** The association with a NAT gateway. An association with an instance has its own record. */
    associationId: z.string(),
  },
});

export const eipAssociation = kind({
  token: "aws:ec2/eipAssociation:EipAssociation",
  inputs: {
    allocationId: replaces(z.string()),
    instanceId: replaces(z.string()),
    allowReassociation: replaces(z.boolean().optional()),
    ...IN_REGION,
  },
  /** The instances from which this association took the address. */
  chosen: { formerInstanceIds: z.array(z.string()) },
});
