import { createHash } from "node:crypto";
import { T } from "../../machine/model";
import { recordsOf } from "../../machine/store";
import { TAGS } from "../check";
import { ec2Arn, newId } from "../ids";
import { ApiError, type ResourceType } from "../resource";
import { text } from "./common";

const KEY = /^(ssh-rsa|ssh-ed25519) ([A-Za-z0-9+/]+=*)(\s.*)?\s*$/;

export const keyPair: ResourceType = {
  token: T.keyPair,
  name: "EC2 Key Pair",
  service: "EC2",
  operations: { create: "ImportKeyPair", delete: "DeleteKeyPair" },
  schema: {
    keyName: { type: "string", computed: true, replace: true },
    publicKey: { type: "string", required: true, replace: true },
    ...TAGS,
  },
  autoNamed: "keyName",
  newId: (inputs) => text(inputs, "keyName"),

  refuse(inputs, state, _around, self) {
    if (!KEY.test(text(inputs, "publicKey"))) {
      throw new ApiError("InvalidKey.Format", "Key is not in valid OpenSSH public key format");
    }
    if (!self && recordsOf(state, T.keyPair).some((k) => k.id === inputs["keyName"])) {
      throw new ApiError("InvalidKeyPair.Duplicate", "The keypair already exists");
    }
  },
  choose: () => ({ keyPairId: newId("key") }),
  attributes: ({ id, inputs, chosen }) => {
    const [, algorithm, body] = KEY.exec(text(inputs, "publicKey"))!;
    const blob = Buffer.from(body!, "base64");
    return {
      arn: ec2Arn("key-pair", id),
      keyNamePrefix: "",
      keyPairId: chosen["keyPairId"],
      keyType: algorithm === "ssh-rsa" ? "rsa" : "ed25519",
      fingerprint:
        algorithm === "ssh-rsa"
          ? createHash("md5")
              .update(blob)
              .digest("hex")
              .replace(/(..)(?!$)/g, "$1:")
          : createHash("sha256").update(blob).digest("base64"),
    };
  },
};
