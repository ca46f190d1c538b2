import * as ebs from "@pulumi/aws/ebs";
import * as ec2 from "@pulumi/aws/ec2";
import { InstanceState } from "@pulumi/aws/ec2transitgateway";
import type { types } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import type { HostTarget } from "../operator/wish";
import type { DataVolume } from "./lib/ebs";
import { addressName, hostName, type Role, STOP_ORDER } from "./lib/names";
import { hostUserData } from "./lib/user-data";
import type { Place } from "./network";
import { named, type Site } from "./site";

/** The login user of the book's hosts. */
export const LOGIN_USER = "ec2-user";

const SSH_PORT = 22;

/** Size of the root volume in GiB: enough for the system, Java and two archives. */
const ROOT_VOLUME_GIB = 10;

/** The SSH connection of remote commands. */
type Connection = types.input.remote.ConnectionArgs;

/** Arguments of {@link Host}. */
export interface HostArgs {
  site: Site;
  role: Role;
  /** Starts at 1. Determines the host's name and address. */
  ordinal: number;
  /** A change stops the host, changes its type, and starts it again. */
  instanceType: string;
  /** The data volume, mounted at `/data`; omitted for a host without data. */
  volume?: DataVolume;
  /** Whether its public address is an elastic one, which outlasts a stop. @default false */
  hasElasticAddress?: boolean;
}

/**
 * One host: the instance, its data volume at `/data`, its DNS records, its elastic address, and an SSH host
 * key that Pulumi creates before the host boots. Needs the network, the security groups and the key pair.
 */
export class Host extends pulumi.ComponentResource {
  readonly hostName: string;
  readonly fullName: string;
  readonly place: Place;
  /** The current public address; empty if the host has none or is stopped. */
  readonly publicIp: pulumi.Output<string>;
  /** The elastic address, known before the host has it; undefined if it has none. */
  readonly elasticIp?: pulumi.Output<string>;
  readonly instanceId: pulumi.Output<string>;
  /**
   * When the host was last started; empty in a paused lab. A change tells that services may have stopped
   * without Pulumi's knowledge, for example with the machine of the local target.
   */
  readonly launchTime: pulumi.Output<string>;
  /** Public half of the SSH host key, as an authorized_keys line. */
  readonly hostKey: pulumi.Output<string>;
  /** The SSH connection of remote commands; secret. */
  readonly connection: pulumi.Output<Connection>;
  /** How the operator reaches the host; secret. */
  readonly target: pulumi.Output<HostTarget>;
  /** The bastion; undefined if this host is reached directly. */
  readonly via?: Host;
  /** The id of its data volume, if it has one. */
  readonly volumeId?: pulumi.Output<string>;
  /** The instance. Resources on the host are `deletedWith` it. */
  readonly instance: ec2.Instance;
  /** The A record and the PTR record. */
  readonly records: pulumi.Resource[];
  /** The volume's attachment, if there is a volume. */
  readonly attachments: pulumi.Resource[];
  /** The resource's name. */
  readonly name: string;

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

    const power = site.running ? this.setPower("running") : undefined;
    const elastic = args.hasElasticAddress === true ? this.createElasticIp(site) : undefined;
    const association = elastic && this.associate(elastic, power);
    this.elasticIp = elastic?.publicIp;
    const current =
      power && ec2.getInstanceOutput({ instanceId: power.instanceId }, { parent: this });
    this.launchTime = current?.launchTime ?? pulumi.output("");
    const address = current ? this.addressOf(current, association, site.isNew) : pulumi.output("");
    this.publicIp = this.place.isPublic ? address : pulumi.output("");
    this.connection = pulumi.secret(this.connect(address, site));
    this.target = pulumi.secret(this.aim(address, site));
    this.registerOutputs({
      hostName: this.hostName,
      fullName: this.fullName,
      privateIp: this.place.privateIp,
      publicIp: this.publicIp,
      instanceId: this.instanceId,
      // The CLI compares this address with the address of the instance in the state, to find the newer
      // one.
      instanceIp: this.instance.publicIp,
      hostKey: this.hostKey,
    });
  }

  /** Stops the host of a paused lab after the given resources are complete. */
  stop(after: pulumi.Resource[]): pulumi.Resource {
    return this.setPower("stopped", [...this.attachments, ...after]);
  }

  /**
   * Returns the address for SSH of a started host. Without an elastic address, EC2 assigns a new public
   * address at each start, but Pulumi's state has only the first one. So every later start looks it up.
   */
  private addressOf(
    current: pulumi.Output<ec2.GetInstanceResult>,
    association: ec2.EipAssociation | undefined,
    isNew: boolean,
  ): pulumi.Output<string> {
    if (association !== undefined) {
      return association.publicIp;
    }
    if (isNew) {
      return this.place.isPublic ? this.instance.publicIp : this.instance.privateIp;
    }
    return this.place.isPublic ? current.publicIp : current.id.apply(() => this.place.privateIp);
  }

  private setPower(state: "running" | "stopped", dependsOn: pulumi.Resource[] = []): InstanceState {
    return new InstanceState(
      `${this.name}-state`,
      { instanceId: this.instance.id, state },
      { parent: this, deletedWith: this.instance, dependsOn },
    );
  }

  private createElasticIp(site: Site): ec2.Eip {
    return new ec2.Eip(
      `${this.name}-address`,
      { domain: "vpc", tags: named(site.tags, addressName(this.hostName)) },
      { parent: this },
    );
  }

  /** Gives the host its elastic address. EC2 refuses it while the host is starting. */
  private associate(elastic: ec2.Eip, power: InstanceState | undefined): ec2.EipAssociation {
    return new ec2.EipAssociation(
      `${this.name}-address-association`,
      { allocationId: elastic.id, instanceId: this.instance.id },
      { parent: this, dependsOn: power === undefined ? [] : [power] },
    );
  }

  private connect(address: pulumi.Input<string>, site: Site): pulumi.Input<Connection> {
    return {
      host: address,
      user: LOGIN_USER,
      privateKey: site.keyPair.privateKey,
      hostKey: this.hostKey,
      // Pulumi waits at most 5 s before it dials a booting host again. It gives up after three minutes if
      // the host refuses the connection, and after six if the host does not answer. Unlike a timeout,
      // this error contains the reason.
      dialErrorLimit: 40,
      perDialTimeout: 5,
      ...(this.via && { proxy: this.via.connection }),
    };
  }

  private aim(address: pulumi.Input<string>, site: Site): pulumi.Output<HostTarget> {
    const proxy = this.via?.target.apply(({ connection }) => connection);
    return pulumi
      .all([address, site.keyPair.privateKey, this.hostKey, proxy])
      .apply(([host, privateKey, hostKey, bastion]) => ({
        name: this.hostName,
        connection: { host, port: SSH_PORT, user: LOGIN_USER, privateKey, hostKey, proxy: bastion },
      }));
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
   * The AMI and the user data that the host was created with. Pulumi keeps them in the state, so that a
   * new AMI or a changed script does not replace a running host. A new volume, host key, name or
   * architecture replaces it. To replace a host with the current AMI and script, replace its origin.
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
      // The new host needs the old host's private address.
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
        // EC2 cannot detach a mounted volume from a running instance. It detaches the volume when the
        // instance terminates.
        stopInstanceBeforeDetaching: true,
      },
      { parent: this, deletedWith: this.instance },
    );
  }
}
