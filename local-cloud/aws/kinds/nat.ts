import * as z from "zod";
import { computed, kind, replaces } from "../kind";
import { address, TAGS } from "../properties";

export const natGateway = kind({
  token: "aws:ec2/natGateway:NatGateway",
  notFound: { code: "InvalidNatGatewayID.NotFound", what: "natGateway ID" },
  inputs: {
    allocationId: replaces(z.string().optional()),
    availabilityMode: replaces(computed(z.enum(["zonal"]))),
    connectivityType: replaces(z.enum(["public"]).default("public")),
    privateIp: replaces(computed(address)),
    subnetId: replaces(z.string()),
    ...TAGS,
  },
  chosen: { privateIp: z.string(), networkInterfaceId: z.string() },
});
