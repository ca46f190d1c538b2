import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { createHash } from "node:crypto";
import { casOf, type CaRotation } from "./lib/kafka-security";
import { type Identity } from "./lib/kafka-tls";

/** A CA is valid for this long, in hours: twenty years, twice as long as a certificate can be. */
const CA_HOURS = 175_200;

/** P-256: every client of Kafka supports it, and a signature costs a broker far less than with RSA. */
const KEY = { algorithm: "ECDSA", ecdsaCurve: "P256" };

/** Arguments of {@link Pki}. */
export interface PkiArgs {
  /** The number of the CA. */
  ca: CaRotation;
  /** A change makes new keys and certificates. */
  generation: number;
  /** How long a certificate is valid, in hours. The first `up` in its last third replaces it. */
  validityHours: number;
}

/** Whom a certificate is for. */
export interface Subject {
  commonName: string;
  /** Names of the host, if it is one. */
  dnsNames?: string[];
  ipAddresses?: pulumi.Input<string>[];
}

/** The certificates for one subject. They share a key. */
export interface IssuedIdentity {
  /** The certificate that each CA has signed, by the number of the CA, with the key; secret. */
  byCa: Map<number, pulumi.Output<Identity>>;
  /** When the certificate of each CA ends, as RFC 3339. */
  endsByCa: Map<number, pulumi.Output<string>>;
}

interface Authority {
  key: tls.PrivateKey;
  certificate: tls.SelfSignedCert;
}

/**
 * The lab's own certificate authority, and the next or the former one ({@link casOf}). Only Pulumi's state
 * has the keys of the CAs, encrypted; no host has them.
 */
export class Pki extends pulumi.ComponentResource {
  private readonly name: string;
  private readonly authorities: Map<number, Authority>;

  constructor(
    name: string,
    private readonly args: PkiArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("kafkalab:index:Pki", name, {}, opts);
    this.name = name;
    this.authorities = new Map(
      casOf(args.ca).map((number) => [number, this.createAuthority(number)]),
    );
    this.registerOutputs({ trusted: this.trusted([args.ca.to]) });
  }

  /** The certificates of CAs, one after the other; PEM. */
  trusted(numbers: number[]): pulumi.Output<string> {
    const texts = numbers.map((number) => this.authority(number).certificate.certPem);
    return pulumi.all(texts).apply((all) => all.map((text) => `${text.trim()}\n`).join(""));
  }

  /** When each CA that everybody trusts ends, as RFC 3339, by its name. */
  get ends(): Record<string, pulumi.Output<string>> {
    const { from, to } = this.args.ca;
    return Object.fromEntries(
      [...new Set([from, to])].map((number) => [
        `CA ${number}`,
        this.authority(number).certificate.validityEndTime,
      ]),
    );
  }

  /** Issues a key, and a certificate of each CA. */
  issue(name: string, subject: Subject, parent: pulumi.Resource): IssuedIdentity {
    const child = `${name}-certificate`;
    const key = new tls.PrivateKey(`${child}-key`, KEY, {
      parent,
      replacementTrigger: this.args.generation,
    });
    const request = new tls.CertRequest(
      `${child}-request`,
      {
        privateKeyPem: key.privateKeyPem,
        subject: { commonName: subject.commonName },
        dnsNames: subject.dnsNames,
        ipAddresses: subject.ipAddresses,
      },
      { parent },
    );
    const { validityHours } = this.args;
    // Without names, clients compare the common name with the host: a user could pass for a broker.
    const isHost = subject.dnsNames !== undefined;
    const signed = [...this.authorities].map(([number, authority]) => {
      const certificate = new tls.LocallySignedCert(
        `${child}-${number}`,
        {
          certRequestPem: request.certRequestPem,
          caPrivateKeyPem: authority.key.privateKeyPem,
          caCertPem: authority.certificate.certPem,
          allowedUses: ["digital_signature", ...(isHost ? ["server_auth"] : []), "client_auth"],
          validityPeriodHours: validityHours,
          earlyRenewalHours: Math.min(Math.ceil(validityHours / 3), validityHours - 1),
        },
        { parent },
      );
      return { number, certificate };
    });
    return {
      byCa: new Map(
        signed.map(({ number, certificate }) => [
          number,
          pulumi.secret(
            pulumi
              .all([key.privateKeyPemPkcs8, certificate.certPem])
              .apply(([pem, cert]) => ({ key: pem, certificate: cert })),
          ),
        ]),
      ),
      endsByCa: new Map(
        signed.map(({ number, certificate }) => [number, certificate.validityEndTime]),
      ),
    };
  }

  private createAuthority(number: number): Authority {
    const child = `${this.name}-ca-${number}`;
    const key = new tls.PrivateKey(`${child}-key`, KEY, { parent: this });
    const certificate = new tls.SelfSignedCert(
      child,
      {
        privateKeyPem: key.privateKeyPem,
        subject: { commonName: `kafkalab CA ${number}`, organization: pulumi.getStack() },
        isCaCertificate: true,
        setSubjectKeyId: true,
        allowedUses: ["cert_signing", "crl_signing"],
        validityPeriodHours: CA_HOURS,
      },
      { parent: this },
    );
    return { key, certificate };
  }

  private authority(number: number): Authority {
    const found = this.authorities.get(number);
    if (found === undefined) {
      throw new Error(`the lab has no CA ${number}`);
    }
    return found;
  }
}

/** A password that Pulumi makes and keeps; secret. A change of `generation` makes another one. */
export function makePassword(
  name: string,
  generation: pulumi.Input<number>,
  parent: pulumi.Resource,
): pulumi.Output<string> {
  // The plugin for random values would be another download. A key is as random, and Pulumi keeps it secret.
  const key = new tls.PrivateKey(
    `${name}-password`,
    { algorithm: "ED25519" },
    { parent, replacementTrigger: generation },
  );
  return pulumi.secret(
    key.privateKeyPem.apply((pem) =>
      createHash("sha256").update(pem).digest("base64url").slice(0, 32),
    ),
  );
}
