import { addressAt, parseCidr } from "../../machine/addresses";
import { T } from "../../machine/model";
import { ELASTIC_CIDR } from "../../machine/blocks";
import { recordsOf, type State } from "../../machine/store";
import { TAGS } from "../check";
import { ec2Arn, newId, privateDnsName, publicDnsName, REGION } from "../ids";
import { ApiError, type ResourceType } from "../resource";
import { having, text } from "./common";

/** An address for a NAT gateway: that is who associates it, so it takes no instance or interface. */
export const eip: ResourceType = {
  token: T.eip,
  name: "EC2 EIP",
  service: "EC2",
  operations: { create: "AllocateAddress", delete: "ReleaseAddress" },
  schema: {
    domain: { type: "string", computed: true, replace: true, oneOf: ["vpc"] },
    ...TAGS,
  },
  newId: () => newId("eipalloc"),

  choose: (_inputs, state) => ({ publicIp: freeAddress(state), associationId: newId("eipassoc") }),
  attributes({ id, chosen }, state) {
    const publicIp = text(chosen, "publicIp");
    const user = having(state, T.natGateway, "allocationId", id)[0];
    const privateIp = user && text(user.chosen, "privateIp");
    return {
      allocationId: id,
      arn: ec2Arn("elastic-ip", id),
      associationId: user ? chosen["associationId"] : "",
      carrierIp: "",
      customerOwnedIp: "",
      domain: "vpc",
      instance: "",
      networkBorderGroup: REGION,
      networkInterface: user?.chosen["networkInterfaceId"] ?? "",
      privateIp: privateIp ?? "",
      privateDns: privateIp ? privateDnsName(privateIp) : "",
      ptrRecord: "",
      publicDns: publicDnsName(publicIp),
      publicIp,
      publicIpv4Pool: "amazon",
    };
  },

  usedBy: ({ id }, state) => having(state, T.natGateway, "allocationId", id),
  inUse: ({ chosen }) =>
    new ApiError("InvalidIPAddress.InUse", `Address ${text(chosen, "publicIp")} is in use.`),
};

function freeAddress(state: State): string {
  const taken = new Set(recordsOf(state, T.eip).map((e) => e.chosen["publicIp"]));
  for (let offset = 1; offset < parseCidr(ELASTIC_CIDR).size - 1; offset++) {
    const address = addressAt(ELASTIC_CIDR, offset);
    if (!taken.has(address)) return address;
  }
  throw new ApiError(
    "AddressLimitExceeded",
    `The maximum number of addresses has been reached: all of ${ELASTIC_CIDR} are taken.`,
  );
}
