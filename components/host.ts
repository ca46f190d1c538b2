import * as ebs from "@pulumi/aws/ebs";
import * as ec2 from "@pulumi/aws/ec2";
import * as ssm from "@pulumi/aws/ssm";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import type { types } from "@pulumi/command";
import { readInstanceType } from "./lib/instance-types";
import { hostName, type Role } from "./lib/names";
import { renderScript } from "./lib/scripts";
import type { Place } from "./network";
import { named, type Site } from "./site";

/** The login of the book's hosts. */
export const LOGIN_USER = "ec2-user";

/** GiB of the root volume: the system, Java and an archive or two. */
const ROOT_VOLUME_GIB = 10;

/** Arguments of {@link Host}. */
export interface HostArgs {
  site: Site;
  role: Role;
  /** From 1. Decides name and address. */
  ordinal: number;
  /** AMI for a new host. A host that is there keeps its own. */
  imageId: pulumi.Input<string>;
  /** A change stops the host, changes it and starts it. */
  instanceType: string;
  /** GiB of `/data`. It can grow; to shrink it means a new volume, without the data. */
  volumeGiB: number;
}

/**
 * One host: the instance, its data volume at `/data`, its names in the DNS, and an SSH host key
 * that is known before it boots. Needs the network, the security groups and the key pair.
 */
export class Host extends pulumi.ComponentResource {
  readonly hostName: string;
  readonly fullName: string;
  readonly place: Place;
  readonly publicIp: pulumi.Output<string>;
  readonly instanceId: pulumi.Output<string>;
  /** Public half of the SSH host key, as an authorized_keys line. */
  readonly hostKey: pulumi.Output<string>;
  /** How remote commands reach the host; secret. */
  readonly connection: pulumi.Output<types.input.remote.ConnectionArgs>;
  /** The instance: what runs on it is gone with it. */
  readonly instance: ec2.Instance;
  /** The A and the PTR record. */
  readonly records: pulumi.Resource[];
  /** The volume's attachment. */
  readonly attachment: pulumi.Resource;

  constructor(name: string, args: HostArgs, opts?: pulumi.ComponentResourceOptions) {
    super("kafkalab:index:Host", name, {}, opts);
    const { site } = args;
    this.hostName = hostName(args.role, args.ordinal);
    this.fullName = `${this.hostName}.${site.dns.domain}`;
    this.place = site.network.place(args.role, args.ordinal);

    const key = new tls.PrivateKey(`${name}-host-key`, { algorithm: "ED25519" }, { parent: this });
    this.hostKey = key.publicKeyOpenssh.apply((line) => line.trim());
    const volume = this.createVolume(name, args);
    this.instance = this.createInstance(name, args, key, volume);
    this.attachment = this.attach(name, volume);
    this.records = site.dns.register(name, this.hostName, this.place.privateIp, this);

    this.instanceId = this.instance.id;
    this.publicIp = this.instance.publicIp;
    this.connection = pulumi.secret({
      host: this.publicIp,
      user: LOGIN_USER,
      privateKey: site.keyPair.privateKey,
      hostKey: this.hostKey,
      // A host that boots is dialled again and again, at most every 5 s: for three minutes if it
      // refuses, for six if it is mute. After that the error says why, as a time-out would not.
      dialErrorLimit: 40,
      perDialTimeout: 5,
    });
    this.registerOutputs({
      hostName: this.hostName,
      fullName: this.fullName,
      privateIp: this.place.privateIp,
      publicIp: this.publicIp,
      instanceId: this.instanceId,
      hostKey: this.hostKey,
      connection: this.connection,
    });
  }

  private createVolume(name: string, args: HostArgs): ebs.Volume {
    return new ebs.Volume(
      `${name}-volume`,
      {
        availabilityZone: this.place.zone.name,
        size: args.volumeGiB,
        type: "gp3",
        encrypted: true,
        tags: named(args.site.tags, `${this.hostName}-data`),
      },
      { parent: this },
    );
  }

  private createInstance(
    name: string,
    args: HostArgs,
    hostKey: tls.PrivateKey,
    volume: ebs.Volume,
  ): ec2.Instance {
    const { site } = args;
    const userData = pulumi.secret(
      pulumi
        .all([hostKey.privateKeyOpenssh, hostKey.publicKeyOpenssh, volume.id])
        .apply(([privateKey, publicKey, volumeId]) =>
          renderScript(["user-data.sh"], {
            FULL_NAME: this.fullName,
            LOGIN_USER,
            VOLUME_ID: volumeId,
            HOST_KEY: privateKey,
            HOST_KEY_PUBLIC: publicKey,
          }),
        ),
    );
    return new ec2.Instance(
      `${name}-instance`,
      {
        ami: args.imageId,
        instanceType: args.instanceType,
        subnetId: this.place.subnetId,
        privateIp: this.place.privateIp,
        associatePublicIpAddress: true,
        vpcSecurityGroupIds: site.firewall.groupIds[args.role],
        keyName: site.keyPair.keyName,
        userData,
        metadataOptions: {
          httpEndpoint: "enabled",
          httpTokens: "required",
          httpPutResponseHopLimit: 1,
        },
        rootBlockDevice: {
          volumeType: "gp3",
          volumeSize: ROOT_VOLUME_GIB,
          encrypted: true,
          tags: named(site.tags, `${this.hostName}-root`),
        },
        tags: named(site.tags, this.hostName),
      },
      {
        parent: this,
        // A fixed private address is free only when the old host is gone.
        deleteBeforeReplace: true,
        // What matters at first boot only must not replace a host that runs: a new AMI release, a
        // changed script. (A stopped instance has no public address; that is no change either.)
        ignoreChanges: ["ami", "userData", "associatePublicIpAddress"],
        // What user data brings is not ignored: with another volume or host key, another host.
        replaceWith: [volume, hostKey],
      },
    );
  }

  private attach(name: string, volume: ebs.Volume): ec2.VolumeAttachment {
    return new ec2.VolumeAttachment(
      `${name}-attachment`,
      {
        deviceName: "/dev/sdf",
        instanceId: this.instance.id,
        volumeId: volume.id,
        // A mounted volume does not come off. An instance that goes for good lets it go by itself.
        stopInstanceBeforeDetaching: true,
      },
      { parent: this, deletedWith: this.instance },
    );
  }
}

/** Debian 12 for an instance type's architecture: the AMI that Debian's public parameter names. */
export function debianImage(
  instanceType: string,
  opts: pulumi.InvokeOutputOptions,
): pulumi.Output<string> {
  const type = readInstanceType(instanceType);
  const architecture = typeof type === "string" ? "amd64" : type.architecture;
  return ssm.getParameterOutput(
    { name: `/aws/service/debian/release/12/latest/${architecture}` },
    opts,
  ).insecureValue;
}
