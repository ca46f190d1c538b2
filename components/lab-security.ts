import * as pulumi from "@pulumi/pulumi";
import { itemAt } from "../shared/item-at";
import type { Host } from "./host";
import { LAB_PRINCIPAL, modesOf, securityStages, type SecurityStage } from "./lib/kafka-security";
import type { BrokerTls } from "./lib/kafka-tls";
import { PROTOCOLS } from "./lib/kafka-listeners";
import type { ZooKeeperPasswords } from "./lib/zookeeper-security";
import { type IssuedIdentity, makePassword, Pki } from "./pki";
import type { Settings } from "./settings";

/** Arguments of {@link LabSecurity}. */
export interface LabSecurityArgs {
  settings: Pick<
    Settings,
    "security" | "clientAuth" | "certificateHours" | "rotation" | "users" | "userPasswords"
  >;
}

/** What a user needs to connect. */
export interface UserSecrets {
  name: string;
  /** The certificate and its key, PEM; only if the mode has certificates. */
  identity?: IssuedIdentity;
  /** Only if the mode has passwords. */
  password?: pulumi.Output<string>;
}

/**
 * Certificates, keys and passwords of a lab whose clients or brokers use TLS. A lab without security has no
 * such component.
 */
export class LabSecurity extends pulumi.ComponentResource {
  readonly stages: SecurityStage[];
  readonly users: UserSecrets[];
  /** With which brokers authenticate to ZooKeeper, and its nodes to one another; secret. */
  readonly zooKeeperPasswords: pulumi.Output<ZooKeeperPasswords>;
  private readonly pki: Pki;
  private readonly certificateEnds: Record<string, pulumi.Output<string>> = {};

  constructor(
    name: string,
    private readonly args: LabSecurityArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("kafkalab:index:LabSecurity", name, {}, opts);
    const { security, rotation, certificateHours } = args.settings;
    this.stages = securityStages(security, rotation.ca);
    this.pki = new Pki(
      `${name}-pki`,
      { ca: rotation.ca, generation: rotation.certificates, validityHours: certificateHours },
      { parent: this },
    );
    // Nodes with different passwords could not talk to one another, so these passwords never change.
    const password = (user: string) => makePassword(`${name}-zookeeper-${user}`, 1, this);
    this.zooKeeperPasswords = pulumi
      .all([password("kafka"), password("quorum")])
      .apply(([kafka, quorum]) => ({ kafka, quorum }));
    this.users = args.settings.users.map((user) => this.createUser(name, user));
    this.registerOutputs({});
  }

  /** Issues a broker's certificate, for all the names and addresses that clients may use. */
  issueBroker(host: Host, parent: pulumi.Resource): IssuedIdentity {
    const addresses = [host.place.privateIp, ...(host.elasticIp ? [host.elasticIp] : [])];
    const identity = this.pki.issue(
      host.name,
      {
        commonName: LAB_PRINCIPAL,
        dnsNames: [host.fullName, host.hostName, "localhost"],
        ipAddresses: [...addresses, "127.0.0.1"],
      },
      parent,
    );
    const { ca } = itemAt(this.stages, this.stages.length - 1);
    this.certificateEnds[host.hostName] = ofCa(identity.endsByCa, ca);
    return identity;
  }

  /** What a broker has in one stage of a change. */
  tlsOf(identity: IssuedIdentity, stage: SecurityStage): pulumi.Output<BrokerTls> {
    const { clientAuth } = this.args.settings;
    return pulumi
      .all([ofCa(identity.byCa, stage.ca), this.pki.trusted(stage.trusted)])
      .apply(([own, trusted]) => ({ identity: own, trusted, clientAuth }));
  }

  /** What clients of the new mode need to connect, which is not plaintext: the output of the program. */
  get clientSecurity(): pulumi.Output<unknown> {
    const { security, rotation } = this.args.settings;
    const { from, to } = rotation.ca;
    const users = this.users.map(({ name, identity, password }) =>
      pulumi
        .all([identity && ofCa(identity.byCa, to), password])
        .apply(([own, secret]) => [
          name,
          { ...own, ...(secret !== undefined && { password: secret }) },
        ]),
    );
    return pulumi.secret(
      pulumi
        .all([this.pki.trusted([...new Set([from, to])]), pulumi.all(users)])
        .apply(([ca, entries]) => ({
          protocol: PROTOCOLS[security.to],
          ca,
          users: Object.fromEntries(entries) as Record<string, unknown>,
        })),
    );
  }

  /** When each certificate ends, as RFC 3339, by what it is for. */
  get ends(): Record<string, pulumi.Output<string>> {
    return { ...this.pki.ends, ...this.certificateEnds };
  }

  private createUser(name: string, user: string): UserSecrets {
    const { security, clientAuth, userPasswords, rotation } = this.args.settings;
    const modes = modesOf(security);
    const hasCertificate = modes.includes("tls") || clientAuth !== "none";
    const identity = hasCertificate
      ? this.pki.issue(`${name}-user-${user}`, { commonName: user }, this)
      : undefined;
    if (identity !== undefined) {
      this.certificateEnds[`user ${user}`] = ofCa(identity.endsByCa, rotation.ca.to);
    }
    const given = Object.hasOwn(userPasswords, user) ? userPasswords[user] : undefined;
    return {
      name: user,
      ...(identity && { identity }),
      ...(modes.includes("sasl") && {
        password:
          given === undefined
            ? makePassword(`${name}-user-${user}`, rotation.passwords, this)
            : pulumi.secret(given),
      }),
    };
  }
}

function ofCa<T>(byCa: ReadonlyMap<number, T>, ca: number): T {
  const found = byCa.get(ca);
  if (found === undefined) {
    throw new Error(`no certificate of CA ${ca}`);
  }
  return found;
}
