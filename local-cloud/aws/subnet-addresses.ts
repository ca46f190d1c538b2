import { addressAt, contains, parseCidr } from "../machine/addresses";
import type { State } from "../machine/store";
import { ApiError } from "./api-error";
import { REGION, ZONES } from "./ids";
import type { InputsOf, RecordOf } from "./kind";
import * as kinds from "./kinds";
import { having } from "./records";

/** The availability zone of a subnet. @default the region's first zone */
export function zoneOf({
  availabilityZone,
  availabilityZoneId,
}: InputsOf<typeof kinds.subnet>): string {
  const named = Object.keys(ZONES).find((zone) => ZONES[zone] === availabilityZoneId);
  return availabilityZone ?? named ?? `${REGION}a`;
}

/** The resources with a private address in the subnet. */
export const addressUsers = (state: State, subnetId: string) => [
  ...having(state, kinds.instance, "subnetId", subnetId),
  ...having(state, kinds.natGateway, "subnetId", subnetId),
];

/** The address in the inputs, or the first free address of the subnet. */
export function privateAddress(
  wanted: string | undefined,
  subnet: RecordOf<typeof kinds.subnet>,
  state: State,
): string {
  const { cidrBlock: cidr } = subnet.inputs;
  const taken = new Set(addressUsers(state, subnet.id).map(({ chosen }) => chosen.privateIp));
  const { size } = parseCidr(cidr);
  if (wanted !== undefined) {
    const reserved = [0, 1, 2, 3, size - 1].map((offset) => addressAt(cidr, offset));
    if (reserved.includes(wanted)) {
      const why = `Address ${wanted} is in subnet's reserved address range.`;
      throw new ApiError("InvalidParameterValue", why);
    }
    if (!contains(cidr, `${wanted}/32`)) {
      const why = `Address ${wanted} does not fall within the subnet's address range`;
      throw new ApiError("InvalidParameterValue", why);
    }
    if (taken.has(wanted)) {
      throw new ApiError("InvalidIPAddress.InUse", `Address ${wanted} is in use.`);
    }
    return wanted;
  }
  for (let offset = 4; offset < size - 1; offset++) {
    const address = addressAt(cidr, offset);
    if (!taken.has(address)) {
      return address;
    }
  }
  throw new ApiError(
    "InsufficientFreeAddressesInSubnet",
    `There are not enough free addresses in subnet '${subnet.id}' to satisfy the requested number of instances.`,
  );
}
