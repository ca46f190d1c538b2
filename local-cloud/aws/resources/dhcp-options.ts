import { T } from "../../machine/model";
import { applyVpc } from "../../machine/network";
import { domainName, IN_REGION, TAGS } from "../check";
import { ec2Arn, newId } from "../ids";
import { ApiError, type ResourceType } from "../resource";
import { applyVpcOf, having, mustBeVpc, mustExist, owner, text } from "./common";

export const dhcpOptions: ResourceType = {
  token: T.dhcpOptions,
  name: "EC2 DHCP Options Set",
  service: "EC2",
  operations: { create: "CreateDhcpOptions", delete: "DeleteDhcpOptions" },
  schema: {
    domainName: { type: "string", replace: true, check: domainName },
    domainNameServers: {
      type: "strings",
      replace: true,
      check: (servers: string[]) =>
        servers.length === 1 && servers[0] === "AmazonProvidedDNS"
          ? undefined
          : 'must be ["AmazonProvidedDNS"] in the local cloud',
    },
    ...TAGS,
  },
  newId: () => newId("dopt"),
  refuse(inputs) {
    if (inputs["domainName"] === undefined && inputs["domainNameServers"] === undefined) {
      throw new ApiError(
        "MissingParameter",
        "The request must contain the parameter dhcpConfigurations",
      );
    }
  },
  attributes: ({ id }) => ({ ...owner, arn: ec2Arn("dhcp-options", id) }),
  usedBy: ({ id }, state) => having(state, T.dhcpOptionsAssociation, "dhcpOptionsId", id),
  inUse: ({ id }) =>
    new ApiError(
      "DependencyViolation",
      `The dhcpOptions '${id}' has dependencies and cannot be deleted.`,
    ),
};

export const dhcpOptionsAssociation: ResourceType = {
  token: T.dhcpOptionsAssociation,
  name: "EC2 DHCP Options Set Association",
  service: "EC2",
  operations: { create: "AssociateDhcpOptions", delete: "AssociateDhcpOptions" },
  schema: {
    vpcId: { type: "string", required: true, replace: true },
    dhcpOptionsId: { type: "string", required: true },
    ...IN_REGION,
  },
  newId: (inputs) => `${text(inputs, "dhcpOptionsId")}-${text(inputs, "vpcId")}`,
  refuse(inputs, state) {
    mustBeVpc(state, inputs["vpcId"]);
    mustExist(
      state, T.dhcpOptions, inputs["dhcpOptionsId"], "InvalidDhcpOptionID.NotFound", "dhcpOption ID",
    ); // prettier-ignore
  },
  attributes: () => ({}),
  apply: ({ inputs }) => applyVpc(text(inputs, "vpcId")),
  afterRemoval: applyVpcOf,
};
