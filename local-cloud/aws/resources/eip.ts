import { addressAt, parseCidr } from "../../machine/addresses";
import { ELASTIC_CIDR } from "../../machine/blocks";
import type { State } from "../../machine/store";
import { ApiError } from "../api-error";
import { ec2Arn, newId, privateDnsName, publicDnsName, REGION } from "../ids";
import * as kinds from "../kinds";
import { having, recordsOf } from "../records";
import { resourceType } from "../resource";

/** An elastic IP address. Only a NAT gateway can use it, so it has no properties for an instance. */
export const eip = resourceType(kinds.eip, {
  name: "EC2 EIP",
  service: "EC2",
  operations: { create: "AllocateAddress", delete: "ReleaseAddress" },
  newId: () => newId("eipalloc"),

  choose: (_inputs, state) => ({ publicIp: freeAddress(state), associationId: newId("eipassoc") }),
  attributes({ id, chosen: { publicIp, associationId } }, state) {
    const [user] = having(state, kinds.natGateway, "allocationId", id);
    return {
      allocationId: id,
      arn: ec2Arn("elastic-ip", id),
      associationId: user ? associationId : "",
      carrierIp: "",
      customerOwnedIp: "",
      domain: "vpc",
      instance: "",
      networkBorderGroup: REGION,
      networkInterface: user ? user.chosen.networkInterfaceId : "",
      privateIp: user ? user.chosen.privateIp : "",
      privateDns: user ? privateDnsName(user.chosen.privateIp) : "",
      ptrRecord: "",
      publicDns: publicDnsName(publicIp),
      publicIp,
      publicIpv4Pool: "amazon",
    };
  },

  usedBy: ({ id }, state) => having(state, kinds.natGateway, "allocationId", id),
  inUse: ({ chosen }) =>
    new ApiError("InvalidIPAddress.InUse", `Address ${chosen.publicIp} is in use.`),
});

function freeAddress(state: State): string {
  const taken = new Set(recordsOf(state, kinds.eip).map(({ chosen }) => chosen.publicIp));
  for (let offset = 1; offset < parseCidr(ELASTIC_CIDR).size - 1; offset++) {
    const address = addressAt(ELASTIC_CIDR, offset);
    if (!taken.has(address)) {
      return address;
    }
  }
  throw new ApiError(
    "AddressLimitExceeded",
    `The maximum number of addresses has been reached: all of ${ELASTIC_CIDR} are taken.`,
  );
}
