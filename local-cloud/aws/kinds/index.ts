/*
 * The data of each resource type. Resource types read each other's records, so the data is separate from
 * the behaviour (resources/).
 */
export { eip, eipAssociation } from "./address";
export { instance, instanceState, keyPair } from "./instance";
export { natGateway } from "./nat";
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
