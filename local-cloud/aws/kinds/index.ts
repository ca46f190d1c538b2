/*
 * The data of each resource type. Resource types look at one another's records, so the data stands
 * apart from what each type does (resources/).
 */
export { instance, instanceState, keyPair } from "./instance";
export { eip, natGateway } from "./nat";
export {
  dhcpOptions,
  dhcpOptionsAssociation,
  internetGateway,
  route,
  routeTable,
  routeTableAssociation,
  subnet,
  vpc,
} from "./network";
export { egressRule, ingressRule, securityGroup } from "./security-group";
export { volume, volumeAttachment } from "./volume";
export { record, zone } from "./zone";
