import { freeSlot } from "../../machine/network";
import { readState, type State } from "../../machine/store";
import { ApiError } from "../api-error";
import {
  addressQuota,
  freeElasticAddress,
  guardElasticAddresses,
  takenSlots,
} from "../elastic-addresses";
import { ec2Arn, newId, privateDnsName, publicDnsName, REGION } from "../ids";
import * as kinds from "../kinds";
import { find, having, living } from "../records";
import { resourceType } from "../resource";

/** What an elastic address is associated with. */
interface Use {
  associationId: string;
  instanceId: string;
  networkInterfaceId: string;
  privateIp: string;
}

/** An elastic IP address. A NAT gateway or, by an association, an instance can use it. */
export const eip = resourceType(kinds.eip, {
  name: "EC2 EIP",
  service: "EC2",
  operations: { create: "AllocateAddress", delete: "ReleaseAddress" },
  newId: () => newId("eipalloc"),

  lookAround: async () => ({ slot: await freeSlot(takenSlots(readState())) }),
  refuse(_inputs, state, _around, self) {
    if (!self && living(state, kinds.eip).length >= addressQuota()) {
      throw new ApiError(
        "AddressLimitExceeded",
        "The maximum number of addresses has been reached.",
      );
    }
  },
  choose: (_inputs, state, { slot }) => ({
    publicIp: freeElasticAddress(state, slot),
    associationId: newId("eipassoc"),
  }),
  attributes({ id, chosen: { publicIp, associationId } }, state) {
    const use = useOf(state, id, associationId);
    return {
      allocationId: id,
      arn: ec2Arn("elastic-ip", id),
      associationId: use?.associationId ?? "",
      carrierIp: "",
      customerOwnedIp: "",
      domain: "vpc",
      instance: use?.instanceId ?? "",
      networkBorderGroup: REGION,
      networkInterface: use?.networkInterfaceId ?? "",
      privateIp: use?.privateIp ?? "",
      privateDns: use ? privateDnsName(use.privateIp) : "",
      ptrRecord: "",
      publicDns: publicDnsName(publicIp),
      publicIp,
      publicIpv4Pool: "amazon",
    };
  },

  apply: () => guardElasticAddresses(),
  usedBy: ({ id }, state) => [
    ...having(state, kinds.natGateway, "allocationId", id),
    ...having(state, kinds.eipAssociation, "allocationId", id),
  ],
  inUse: ({ chosen }) =>
    new ApiError("InvalidIPAddress.InUse", `Address ${chosen.publicIp} is in use.`),
  // AWS's provider ends an association that it knows from its last refresh.
  deletesFirst: ({ id }, state, { associationId }) =>
    having(state, kinds.eipAssociation, "allocationId", id).filter(
      (association) => association.id === associationId,
    ),
  remove: ({ chosen }) => guardElasticAddresses(chosen.publicIp),
});

function useOf(state: State, allocationId: string, natAssociationId: string): Use | undefined {
  const [gateway] = having(state, kinds.natGateway, "allocationId", allocationId);
  if (gateway) {
    return { associationId: natAssociationId, instanceId: "", ...gateway.chosen };
  }
  const [association] = having(state, kinds.eipAssociation, "allocationId", allocationId);
  const instance = find(state, kinds.instance, association?.inputs.instanceId);
  if (!association || !instance) {
    return undefined;
  }
  const { networkInterfaceId, privateIp } = instance.chosen;
  return {
    associationId: association.id,
    instanceId: instance.id,
    networkInterfaceId,
    privateIp,
  };
}
