import * as ebs from "@pulumi/aws/ebs";
import * as ec2 from "@pulumi/aws/ec2";
import { InstanceState } from "@pulumi/aws/ec2transitgateway";
import type { types } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import type { DataVolume } from "./lib/ebs";
import { hostName, type Role, STOP_ORDER } from "./lib/names";
import { hostUserData } from "./lib/user-data";
import type { Place } from "./network";
import { named, type Site } from "./site";

/** The login of the book's hosts. */
export const LOGIN_USER = "ec2-user";

/** GiB of the root volume: the system, Java and an archive or two. */
const ROOT_VOLUME_GIB = 10;

/** How remote commands reach a host. */
type Connection = types.input.remote.ConnectionArgs;

/** Arguments of {@link Host}. */
export interface HostArgs {
  site: Site;
  role: Role;
  /** From 1. Decides name and address. */
  ordinal: number;
  /** A change stops the host, changes it and starts it. */
  instanceType: string;
  /** What is mounted at `/data`; none for a host without data. */
  volume?: DataVolume;
}

/**
 * One host: the instance, its data volume at `/data`, its names in the DNS, and an SSH host key
 * that is known before it boots. Needs the network, the security groups and the key pair.
 */
export class Host extends pulumi.ComponentResource {
  readonly hostName: string;
  readonly fullName: string;
  readonly place: Place;
  /** The address that it has now; empty if it has none, or is stopped. */
  readonly publicIp: pulumi.Output<string>;
  readonly instanceId: pulumi.Output<string>;
  /** Public half of the SSH host key, as an authorized_keys line. */
  readonly hostKey: pulumi.Output<string>;
  /** How remote commands reach the host; secret. */
  readonly connection: pulumi.Output<Connection>;
  /** The host through which this one is reached, if not directly. */
  readonly via?: Host;
  /** The id of its data volume, if it has one. */
  readonly volumeId?: pulumi.Output<string>;
  /** The instance: what runs on it is gone with it. */
  readonly instance: ec2.Instance;
  /** The A and the PTR record. */
  readonly records: pulumi.Resource[];
  /** The volume's attachment, if there is a volume. */
  readonly attachments: pulumi.Resource[];
  private readonly name: string;

  constructor(name: string, args: HostArgs, opts?: pulumi.ComponentResourceOptions) {
    super("kafkalab:index:Host", name, {}, opts);
    const { site } = args;
    this.name = name;
    this.hostName = hostName(args.role, args.ordinal);
    this.fullName = `${this.hostName}.${site.dns.domain}`;
    this.place = site.network.place(args.role, args.ordinal);
    this.via = site.bastion;

    const key = new tls.PrivateKey(`${name}-host-key`, { algorithm: "ED25519" }, { parent: this });
    this.hostKey = key.publicKeyOpenssh.apply((line) => line.trim());
    const volume = args.volume && this.createVolume(args.volume, site);
    this.volumeId = volume?.id;
    this.instance = this.createInstance(args, this.createOrigin(site, key, volume));
    this.instanceId = this.instance.id;
    this.attachments = volume === undefined ? [] : [this.attach(volume)];
    this.records = site.dns.register(name, this.hostName, this.place.privateIp, this);

    const address = site.running ? this.start(site.isNew) : pulumi.output("");
    this.publicIp = this.place.isPublic ? address : pulumi.output("");
    this.connection = pulumi.secret(this.connect(address, site));
    this.registerOutputs({
      hostName: this.hostName,
      fullName: this.fullName,
      privateIp: this.place.privateIp,
      publicIp: this.publicIp,
      instanceId: this.instanceId,
      // With it, a reader of the state sees whether the instance was looked at since (access.jq).
      instanceIp: this.instance.publicIp,
      hostKey: this.hostKey,
      connection: this.connection,
    });
  }

  /** Stops the host of a paused lab, once these are done. */
  stop(after: pulumi.Resource[]): pulumi.Resource {
    return this.setPower("stopped", [...this.attachments, ...after]);
  }

  /**
   * Starts the host, and tells the address for SSH. EC2 gives another public one at each start, of
   * which Pulumi knows the first: it is looked up, unless this is the first.
   */
  private start(isNew: boolean): pulumi.Output<string> {
    const { instanceId } = this.setPower("running");
    if (isNew) {
      return this.place.isPublic ? this.instance.publicIp : this.instance.privateIp;
    }
    return this.place.isPublic
      ? ec2.getInstanceOutput({ instanceId }, { parent: this }).publicIp
      : instanceId.apply(() => this.place.privateIp);
  }

  private setPower(state: "running" | "stopped", dependsOn: pulumi.Resource[] = []): InstanceState {
    return new InstanceState(
      `${this.name}-state`,
      { instanceId: this.instance.id, state },
      { parent: this, deletedWith: this.instance, dependsOn },
    );
  }

  private connect(address: pulumi.Input<string>, site: Site): pulumi.Input<Connection> {
    return {
      host: address,
      user: LOGIN_USER,
      privateKey: site.keyPair.privateKey,
      hostKey: this.hostKey,
      // A host that boots is dialled again and again, at most every 5 s: for three minutes if it
      // refuses, for six if it is mute. After that the error says why, as a time-out would not.
      dialErrorLimit: 40,
      perDialTimeout: 5,
      ...(this.via && { proxy: this.via.connection }),
    };
  }

  private createVolume(volume: DataVolume, site: Site): ebs.Volume {
    return new ebs.Volume(
      `${this.name}-volume`,
      {
        availabilityZone: this.place.zone.name,
        size: volume.gib,
        type: volume.type,
        iops: volume.iops,
        throughput: volume.throughputMiBps,
        encrypted: true,
        tags: named(site.tags, `${this.hostName}-data`),
      },
      { parent: this },
    );
  }

  /**
   * What the host is made from: the AMI and the user data of the day. It is kept, so that a new AMI
   * release or a changed script does not replace a host that runs. Another volume, host key, name or
   * architecture does; and whoever has the origin replaced has the host made from what is current.
   */
  private createOrigin(
    site: Site,
    key: tls.PrivateKey,
    volume?: ebs.Volume,
  ): pulumi.Output<{ ami: string; userData: string }> {
    const userData = pulumi
      .all([key.privateKeyOpenssh, key.publicKeyOpenssh, site.keyPair.publicKey, volume?.id ?? ""])
      .apply(([privateKey, publicKey, loginKey, volumeId]) =>
        hostUserData({
          fullName: this.fullName,
          domain: site.dns.domain,
          loginUser: LOGIN_USER,
          loginKey,
          hostKey: { private: privateKey, public: publicKey },
          volumeId,
        }),
      );
    const origin = new pulumi.Stash(
      `${this.name}-origin`,
      { input: pulumi.secret({ ami: site.image.id, userData }) },
      {
        parent: this,
        replacementTrigger: [site.image.architecture, this.fullName, this.hostKey, volume?.id],
      },
    );
    return pulumi.secret(origin.output as pulumi.Output<{ ami: string; userData: string }>);
  }

  private createInstance(
    { site, role, instanceType }: HostArgs,
    origin: pulumi.Output<{ ami: string; userData: string }>,
  ): ec2.Instance {
    return new ec2.Instance(
      `${this.name}-instance`,
      {
        ami: pulumi.unsecret(origin.ami),
        instanceType,
        subnetId: this.place.subnetId,
        privateIp: this.place.privateIp,
        vpcSecurityGroupIds: site.firewall.groupIds[role],
        keyName: site.keyPair.keyName,
        userData: origin.userData,
        userDataReplaceOnChange: true,
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
        tags: { ...named(site.tags, this.hostName), StopOrder: `${STOP_ORDER[role]}` },
      },
      // A fixed private address is free only when the old host is gone.
      { parent: this, deleteBeforeReplace: true },
    );
  }

  private attach(volume: ebs.Volume): ec2.VolumeAttachment {
    return new ec2.VolumeAttachment(
      `${this.name}-attachment`,
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
