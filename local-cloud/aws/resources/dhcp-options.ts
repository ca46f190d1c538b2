import { ApiError } from "../api-error";
import { ec2Arn, newId } from "../ids";
import * as kinds from "../kinds";
import { applyVpcOf } from "../network";
import { having, mustExist } from "../records";
import { resourceType } from "../resource";
import { hasDependencies, owner } from "./common";

export const dhcpOptions = resourceType(kinds.dhcpOptions, {
  name: "EC2 DHCP Options Set",
  service: "EC2",
  operations: { create: "CreateDhcpOptions", delete: "DeleteDhcpOptions" },
  newId: () => newId("dopt"),
  refuse({ domainName, domainNameServers }) {
    if (domainName === undefined && domainNameServers === undefined) {
      throw new ApiError(
        "MissingParameter",
        "The request must contain the parameter dhcpConfigurations",
      );
    }
  },
  attributes: ({ id }) => ({ ...owner, arn: ec2Arn("dhcp-options", id) }),
  usedBy: ({ id }, state) => having(state, kinds.dhcpOptionsAssociation, "dhcpOptionsId", id),
  inUse: ({ id }) => hasDependencies("dhcpOptions", id),
});

export const dhcpOptionsAssociation = resourceType(kinds.dhcpOptionsAssociation, {
  name: "EC2 DHCP Options Set Association",
  service: "EC2",
  operations: { create: "AssociateDhcpOptions", delete: "AssociateDhcpOptions" },
  newId: ({ dhcpOptionsId, vpcId }) => `${dhcpOptionsId}-${vpcId}`,
  refuse({ dhcpOptionsId, vpcId }, state) {
    mustExist(state, kinds.vpc, vpcId);
    mustExist(state, kinds.dhcpOptions, dhcpOptionsId);
  },
  attributes: () => ({}),
  apply: applyVpcOf,
  afterRemoval: applyVpcOf,
});
