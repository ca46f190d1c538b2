import type { VpcModel } from "../../../local-cloud/machine/model";

/** A VPC with two hosts, one public and the other behind a NAT gateway, to be changed by each test. */
export const vpc = (changes: Partial<VpcModel> = {}): VpcModel => ({
  id: "vpc-0123456789abcdef0",
  cidr: "10.0.0.0/16",
  slot: 0,
  elastic: [],
  hasInternetGateway: true,
  subnets: [{ id: "subnet-0aa", cidr: "10.0.1.0/24" }],
  hosts: [
    { id: "i-0a", subnetId: "subnet-0aa", mac: "0a:00:00:00:00:01", privateIp: "10.0.1.11", publicIp: "198.18.0.10", behindNat: false, groupIds: ["sg-0zk"] },
    { id: "i-0b", subnetId: "subnet-0aa", mac: "0a:00:00:00:00:02", privateIp: "10.0.1.12", behindNat: true, groupIds: ["sg-0kafka", "sg-0zk"] },
  ],
  groups: [
    { id: "sg-0zk", rules: [{ direction: "egress", protocol: "-1", cidr: "0.0.0.0/0" }] },
    { id: "sg-0kafka", rules: [{ direction: "ingress", protocol: "tcp", fromPort: 9092, toPort: 9093, peerGroupId: "sg-0zk" }] },
    { id: "sg-0empty", rules: [] },
  ],
  zones: [],
  ...changes,
}); // prettier-ignore
