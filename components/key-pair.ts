import * as ec2 from "@pulumi/aws/ec2";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { named } from "./site";

/** Arguments of {@link KeyPair}. */
export interface KeyPairArgs {
  /** Name of the key pair in EC2; one of its kind in a region. A pair that is there keeps its own. */
  keyName: string;
  tags: Record<string, string>;
}

/**
 * The key that logs in to every host: an Ed25519 key made by the program, and its EC2 key pair. The
 * private half exists in the stack's state only, encrypted; no host holds it.
 */
export class KeyPair extends pulumi.ComponentResource {
  readonly keyName: pulumi.Output<string>;
  /** Its public half, as an authorized_keys line. */
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
      // A key name exists once in a region, so the old pair has to go first. Another name would
      // replace every host, also where a stack is only renamed.
      { parent: this, deleteBeforeReplace: true, ignoreChanges: ["keyName"] },
    );
    this.keyName = pair.keyName;
    this.privateKey = pulumi.secret(key.privateKeyOpenssh);
    this.registerOutputs({ keyName: this.keyName, privateKey: this.privateKey });
  }
}
