import * as ec2 from "@pulumi/aws/ec2";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { named } from "./site";

/** Arguments of {@link KeyPair}. */
export interface KeyPairArgs {
  /** Name of the key pair in EC2, unique in a region. An existing pair keeps its name. */
  keyName: string;
  tags: Record<string, string>;
}

/**
 * The login key of every host: an Ed25519 key that Pulumi creates, and its EC2 key pair. Only the
 * stack's state contains the private key, encrypted. No host has it.
 */
export class KeyPair extends pulumi.ComponentResource {
  readonly keyName: pulumi.Output<string>;
  /** The public key, as an authorized_keys line. */
  readonly publicKey: pulumi.Output<string>;
  /** OpenSSH private key; secret. */
  readonly privateKey: pulumi.Output<string>;

  constructor(name: string, args: KeyPairArgs, opts?: pulumi.ComponentResourceOptions) {
    super("kafkalab:index:KeyPair", name, {}, opts);
    const key = new tls.PrivateKey(`${name}-key`, { algorithm: "ED25519" }, { parent: this });
    this.publicKey = key.publicKeyOpenssh.apply((line) => line.trim());
    const pair = new ec2.KeyPair(
      `${name}-pair`,
      {
        keyName: args.keyName,
        publicKey: this.publicKey,
        tags: named(args.tags, args.keyName),
      },
      // A key name is unique in a region, so Pulumi deletes the old pair first. The name does not follow
      // the stack's name: a new key name would replace every host.
      { parent: this, deleteBeforeReplace: true, ignoreChanges: ["keyName"] },
    );
    this.keyName = pair.keyName;
    this.privateKey = pulumi.secret(key.privateKeyOpenssh);
    this.registerOutputs({ keyName: this.keyName, privateKey: this.privateKey });
  }
}
