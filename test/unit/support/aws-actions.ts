/** Tags are put on as a resource is made, and changed later. */
const TAGS = ["ec2:CreateTags", "ec2:DeleteTags"];

const READ_INSTANCE = [
  "ec2:DescribeInstanceAttribute",
  "ec2:DescribeInstanceCreditSpecifications",
  "ec2:DescribeInstanceTypes",
  "ec2:DescribeInstances",
  "ec2:DescribeVolumes",
  "ec2:DescribeVpcs",
];

/**
 * What the official provider asks of AWS for each type of resource, to make, read, change and delete
 * it, and for each look-up. As its source has it, for the properties that this program sets: one
 * more property can mean one more action.
 */
export const AWS_ACTIONS: Record<string, string[]> = {
  "pulumi:providers:aws": ["sts:GetCallerIdentity"],

  "aws:index/getAvailabilityZones:getAvailabilityZones": ["ec2:DescribeAvailabilityZones"],
  "aws:ssm/getParameter:getParameter": ["ssm:GetParameter"],
  "aws:ec2/getInstance:getInstance": READ_INSTANCE,
  "aws:ec2/getEips:getEips": ["ec2:DescribeAddresses"],
  "aws:servicequotas/getServiceQuota:getServiceQuota": [
    // The default, for a quota that the account has not changed.
    "servicequotas:GetAWSDefaultServiceQuota",
    "servicequotas:GetServiceQuota",
  ],
  "aws:ec2/getInstances:getInstances": ["ec2:DescribeInstances"],
  "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": [
    "ec2:DescribeInstanceTypeOfferings",
  ],

  "aws:ec2/vpc:Vpc": [
    ...TAGS,
    "ec2:CreateVpc",
    "ec2:DescribeVpcs",
    "ec2:DescribeVpcAttribute",
    // It looks for what every VPC brings along: a network ACL, a route table and a group.
    "ec2:DescribeNetworkAcls",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroups",
    "ec2:ModifyVpcAttribute",
    "ec2:DeleteVpc",
  ],
  "aws:ec2/subnet:Subnet": [
    ...TAGS,
    "ec2:CreateSubnet",
    "ec2:DescribeSubnets",
    // Public addresses for what starts there.
    "ec2:ModifySubnetAttribute",
    // Before it deletes one, it looks for interfaces that other services left there.
    "ec2:DescribeNetworkInterfaces",
    "ec2:DeleteSubnet",
  ],
  "aws:ec2/internetGateway:InternetGateway": [
    ...TAGS,
    "ec2:CreateInternetGateway",
    "ec2:AttachInternetGateway",
    "ec2:DescribeInternetGateways",
    "ec2:DetachInternetGateway",
    "ec2:DeleteInternetGateway",
  ],
  "aws:ec2/natGateway:NatGateway": [
    ...TAGS,
    "ec2:CreateNatGateway",
    "ec2:DescribeNatGateways",
    "ec2:DeleteNatGateway",
  ],
  "aws:ec2/eip:Eip": [
    ...TAGS,
    "ec2:AllocateAddress",
    "ec2:DescribeAddresses",
    "ec2:DescribeAddressesAttribute",
    // The gateway that had it may be gone without Pulumi having looked.
    "ec2:DisassociateAddress",
    "ec2:ReleaseAddress",
  ],
  "aws:ec2/eipAssociation:EipAssociation": [
    "ec2:AssociateAddress",
    "ec2:DescribeAddresses",
    "ec2:DisassociateAddress",
  ],
  "aws:ec2/routeTable:RouteTable": [
    ...TAGS,
    "ec2:CreateRouteTable",
    "ec2:DescribeRouteTables",
    "ec2:DisassociateRouteTable",
    "ec2:DeleteRouteTable",
  ],
  "aws:ec2/route:Route": [
    "ec2:CreateRoute",
    "ec2:DescribeRouteTables",
    "ec2:ReplaceRoute",
    "ec2:DeleteRoute",
  ],
  "aws:ec2/routeTableAssociation:RouteTableAssociation": [
    "ec2:AssociateRouteTable",
    "ec2:DescribeRouteTables",
    "ec2:ReplaceRouteTableAssociation",
    "ec2:DisassociateRouteTable",
  ],
  "aws:ec2/vpcDhcpOptions:VpcDhcpOptions": [
    ...TAGS,
    "ec2:CreateDhcpOptions",
    "ec2:DescribeDhcpOptions",
    // A VPC that still has them is given the default ones.
    "ec2:AssociateDhcpOptions",
    "ec2:DescribeVpcs",
    "ec2:DeleteDhcpOptions",
  ],
  "aws:ec2/vpcDhcpOptionsAssociation:VpcDhcpOptionsAssociation": [
    "ec2:AssociateDhcpOptions",
    "ec2:DescribeVpcs",
  ],
  "aws:ec2/securityGroup:SecurityGroup": [
    ...TAGS,
    "ec2:CreateSecurityGroup",
    // AWS opens a new group outward; the provider takes that back.
    "ec2:RevokeSecurityGroupEgress",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DeleteSecurityGroup",
  ],
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": [
    ...TAGS,
    "ec2:AuthorizeSecurityGroupIngress",
    "ec2:DescribeSecurityGroupRules",
    "ec2:ModifySecurityGroupRules",
    "ec2:RevokeSecurityGroupIngress",
  ],
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": [
    ...TAGS,
    "ec2:AuthorizeSecurityGroupEgress",
    "ec2:DescribeSecurityGroupRules",
    "ec2:ModifySecurityGroupRules",
    "ec2:RevokeSecurityGroupEgress",
  ],
  "aws:ec2/keyPair:KeyPair": [
    ...TAGS,
    "ec2:ImportKeyPair",
    "ec2:DescribeKeyPairs",
    "ec2:DeleteKeyPair",
  ],
  // Another security group would want ec2:ModifyNetworkInterfaceAttribute, which no tag can bind: the
  // groups of a host change with its subnet only, and then it is another instance.
  "aws:ec2/instance:Instance": [
    ...TAGS,
    ...READ_INSTANCE,
    // The name of the AMI's root device.
    "ec2:DescribeImages",
    // Other security groups for an instance that runs.
    "ec2:ModifyNetworkInterfaceAttribute",
    "ec2:RunInstances",
    // Whether a launch template made it.
    "ec2:DescribeTags",
    "ec2:ModifyInstanceAttribute",
    "ec2:ModifyInstanceMetadataOptions",
    "ec2:ModifyVolume",
    "ec2:DescribeVolumesModifications",
    "ec2:StopInstances",
    "ec2:StartInstances",
    "ec2:TerminateInstances",
  ],
  "aws:ec2transitgateway/instanceState:InstanceState": [
    "ec2:DescribeInstances",
    "ec2:DescribeInstanceStatus",
    "ec2:StartInstances",
    "ec2:StopInstances",
  ],
  "aws:ebs/volume:Volume": [
    ...TAGS,
    "ec2:CreateVolume",
    "ec2:DescribeVolumes",
    "ec2:ModifyVolume",
    "ec2:DeleteVolume",
  ],
  "aws:ec2/volumeAttachment:VolumeAttachment": [
    "ec2:AttachVolume",
    "ec2:DescribeInstances",
    "ec2:DescribeVolumes",
    "ec2:StopInstances",
    "ec2:DetachVolume",
  ],
  "aws:route53/zone:Zone": [
    "route53:CreateHostedZone",
    "route53:GetChange",
    "route53:GetHostedZone",
    // The name servers of a private zone are read from its records.
    "route53:ListResourceRecordSets",
    "route53:ListTagsForResource",
    "route53:ChangeTagsForResource",
    "route53:UpdateHostedZoneComment",
    // Another VPC takes the place of one that was replaced.
    "route53:AssociateVPCWithHostedZone",
    "route53:DisassociateVPCFromHostedZone",
    // Route 53 itself looks whether there is such a VPC.
    "ec2:DescribeVpcs",
    "route53:DeleteHostedZone",
  ],
  "aws:route53/record:Record": [
    "route53:ChangeResourceRecordSets",
    "route53:GetChange",
    "route53:GetHostedZone",
    "route53:ListResourceRecordSets",
  ],
};
