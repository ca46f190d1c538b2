import type { Fault } from "./access-faults";

/** Wrong settings of the lab's security, as rows of the table in settings.test.ts. */
export const SECURITY_FAULTS: Fault[] = [
  [
    "a mode that does not exist",
    { security: "ssl" },
    'security": it must be one of plaintext, tls, sasl, or {from: one, to: another}; got "ssl". Take plaintext, which is the default.',
  ],
  [
    "half a change of mode",
    { security: '{"from":"tls"}' },
    'security": it must hold from and to, each one of plaintext, tls, sasl; got {"from":"tls"}. Write {from: the present mode, to: the new one}.',
  ],
  [
    "a change of mode to itself",
    { security: '{"from":"tls","to":"tls"}' },
    'security": it must change the mode: from and to differ; got {"from":"tls","to":"tls"}. Write tls alone.',
  ],
  [
    "a client certificate without TLS",
    { clientAuth: "required" },
    'clientAuth": it must be left out while kafkalab:security is plaintext; got "required". Remove it with: pulumi config rm kafkalab:clientAuth.',
  ],
  [
    "no client certificate in tls",
    { security: "tls", clientAuth: "none" },
    'clientAuth": it must be required or requested in tls, where the certificate says who the client is; got "none". Take required, or sasl.',
  ],
  [
    "a CA without a number",
    { rotation: '{"ca":0}' },
    'rotation": it must hold whole numbers from 1 to 1000; ca may also be {from: a number, to: the next}; got {"ca":0}. Write one such as {certificates: 2}.',
  ],
  [
    "two changes at once",
    { security: '{"from":"tls","to":"sasl"}', rotation: '{"ca":{"from":1,"to":2}}' },
    'rotation": it must not change the CA while kafkalab:security has from and to; got {"ca":{"from":1,"to":2}}. Finish one change first.',
  ],
  [
    "a key of TLS",
    { security: "tls", brokerConfig: '{"ssl.protocol":"TLSv1.2"}' },
    'brokerConfig": it must hold no key that follows from kafkalab:security; got ["ssl.protocol","TLSv1.2"]. Leave it out, or change kafkalab:security.',
  ],
  [
    "a certificate that ends at once",
    { certificateHours: "0" },
    'certificateHours": it must be from 1 to 87600 (hours); got 0. Take 8760, which is a year.',
  ],
];
