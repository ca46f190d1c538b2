import type { ResourceType } from "../resource";
import { dhcpOptions, dhcpOptionsAssociation } from "./dhcp-options";
import { eip } from "./eip";
import { eipAssociation } from "./eip-association";
import { instance } from "./instance";
import { instanceState } from "./instance-state";
import { internetGateway } from "./internet-gateway";
import { keyPair } from "./key-pair";
import { natGateway } from "./nat-gateway";
import { record } from "./record";
import { route } from "./route";
import { routeTable } from "./route-table";
import { routeTableAssociation } from "./route-table-association";
import { securityGroup } from "./security-group";
import { egressRule, ingressRule } from "./security-group-rule";
import { subnet } from "./subnet";
import { volume } from "./volume";
import { volumeAttachment } from "./volume-attachment";
import { vpc } from "./vpc";
import { zone } from "./zone";

/** All resource types of the local cloud, by Pulumi token. */
export const resourceTypes: Readonly<{ [token: string]: ResourceType }> = Object.fromEntries(
  [
    vpc,
    subnet,
    internetGateway,
    routeTable,
    route,
    routeTableAssociation,
    eip,
    eipAssociation,
    natGateway,
    securityGroup,
    ingressRule,
    egressRule,
    dhcpOptions,
    dhcpOptionsAssociation,
    keyPair,
    instance,
    instanceState,
    volume,
    volumeAttachment,
    zone,
    record,
  ].map((type) => [type.kind.token, type]),
);
