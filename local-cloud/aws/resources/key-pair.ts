import { createHash } from "node:crypto";
import { ApiError } from "../api-error";
import { ec2Arn, newId } from "../ids";
import * as kinds from "../kinds";
import { find } from "../records";
import { resourceType } from "../resource";

const KEY = /^(?<algorithm>ssh-rsa|ssh-ed25519) (?<body>[A-Za-z0-9+/]+=*)(\s.*)?\s*$/;

/** Returns the two parts of an OpenSSH public key. Throws AWS's error if it is invalid. */
function parseKey(publicKey: string): { algorithm: string; body: Buffer } {
  const { algorithm, body } = KEY.exec(publicKey)?.groups ?? {};
  if (algorithm === undefined || body === undefined) {
    throw new ApiError("InvalidKey.Format", "Key is not in valid OpenSSH public key format");
  }
  return { algorithm, body: Buffer.from(body, "base64") };
}

export const keyPair = resourceType(kinds.keyPair, {
  name: "EC2 Key Pair",
  service: "EC2",
  operations: { create: "ImportKeyPair", delete: "DeleteKeyPair" },
  autoNamed: "keyName",
  newId: keyNameOf,

  refuse(inputs, state, _around, self) {
    parseKey(inputs.publicKey);
    if (!self && find(state, kinds.keyPair, keyNameOf(inputs))) {
      throw new ApiError("InvalidKeyPair.Duplicate", "The keypair already exists");
    }
  },
  choose: () => ({ keyPairId: newId("key") }),
  attributes: ({ id, inputs, chosen }) => {
    const { algorithm, body } = parseKey(inputs.publicKey);
    return {
      arn: ec2Arn("key-pair", id),
      keyNamePrefix: "",
      keyPairId: chosen.keyPairId,
      keyType: algorithm === "ssh-rsa" ? "rsa" : "ed25519",
      fingerprint:
        algorithm === "ssh-rsa"
          ? createHash("md5")
              .update(body)
              .digest("hex")
              .replace(/(..)(?!$)/g, "$1:")
          : createHash("sha256").update(body).digest("base64"),
    };
  },
});

/** The name of a key pair. The provider generates one if the program sets none: see `autoNamed`. */
function keyNameOf({ keyName }: { keyName?: string | undefined }): string {
  if (keyName === undefined) {
    throw new Error("the key pair has no name; Pulumi must check its inputs first");
  }
  return keyName;
}
