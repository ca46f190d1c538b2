import { secretFile } from "../../operator/service/files";
import { ADMIN_KCAT, ADMIN_PROPERTIES } from "../../shared/kafka-contact";
import {
  type ListenerArgs,
  listenerPrefix,
  listenersOf,
  MECHANISM,
  REPLICATION,
  TLS_LISTENERS,
} from "./kafka-listeners";
import { type ClientAuth, LAB_PRINCIPAL } from "./kafka-security";
import { propertiesFile } from "./properties";

/** A certificate with its key, both PEM. */
export interface Identity {
  certificate: string;
  /** PKCS#8. */
  key: string;
}

/** What a secured broker has besides its listeners. */
export interface BrokerTls {
  identity: Identity;
  /** The certificates of the CAs that the broker trusts; PEM. */
  trusted: string;
  clientAuth: ClientAuth;
}

/** Files by path. */
export type Files = Record<string, string>;

/** The paths of a broker's key store and trust store: the name of a file tells what is in it. */
function stores({ identity, trusted }: BrokerTls) {
  const file = (kind: string, text: string) => ({
    path: secretFile("kafka-server", kind, ".pem", text),
    text,
  });
  return {
    keyStore: file("key-store", `${identity.key.trim()}\n${identity.certificate.trim()}`),
    trustStore: file("trust-store", trusted.trim()),
  };
}

/** The files of {@link tlsLines}, and those with which the lab's own tools connect. */
export function tlsFiles(tls: BrokerTls): Files {
  const { keyStore, trustStore } = stores(tls);
  return {
    [keyStore.path]: keyStore.text,
    [trustStore.path]: trustStore.text,
    [ADMIN_PROPERTIES]: propertiesFile({
      "security.protocol": "SSL",
      "ssl.keystore.type": "PEM",
      "ssl.keystore.location": keyStore.path,
      "ssl.truststore.type": "PEM",
      "ssl.truststore.location": trustStore.path,
    }),
    [ADMIN_KCAT]: propertiesFile({
      "security.protocol": "ssl",
      "ssl.ca.location": trustStore.path,
      "ssl.certificate.location": keyStore.path,
      "ssl.key.location": keyStore.path,
    }),
  };
}

/** The keys of {@link tlsLines} that a broker can change while it runs. */
export const LIVE_TLS_KEYS = TLS_LISTENERS.flatMap((name) =>
  ["keystore", "truststore"].map((store) => `${listenerPrefix(name)}.ssl.${store}.location`),
);

/** The lines of `server.properties` about TLS, SASL and the authorizer. */
export function tlsLines(args: ListenerArgs, tls: BrokerTls): Record<string, string> {
  const { keyStore, trustStore } = stores(tls);
  const { stage } = args;
  const clientAuthOf = (name: string, protocol: string): ClientAuth => {
    if (name === REPLICATION) {
      return "required";
    }
    // While both are there, the setting is about the clients with certificates.
    return protocol === "SASL_SSL" && stage.modes.includes("tls") ? "none" : tls.clientAuth;
  };
  const ofListeners = listenersOf(args)
    .filter(({ protocol }) => protocol !== "PLAINTEXT")
    .flatMap(({ name, protocol }): [string, string][] => {
      const prefix = listenerPrefix(name);
      return [
        // Kafka changes these while a broker runs, but only with the prefix of a listener.
        [`${prefix}.ssl.keystore.location`, keyStore.path],
        [`${prefix}.ssl.truststore.location`, trustStore.path],
        [`${prefix}.ssl.client.auth`, clientAuthOf(name, protocol)],
        ...(protocol === "SASL_SSL"
          ? [[`${prefix}.${MECHANISM.toLowerCase()}.sasl.jaas.config`, SCRAM] as [string, string]]
          : []),
      ];
    });
  return {
    "ssl.keystore.type": "PEM",
    "ssl.truststore.type": "PEM",
    "ssl.principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/",
    ...(stage.modes.includes("sasl") && { "sasl.enabled.mechanisms": MECHANISM }),
    ...Object.fromEntries(ofListeners),
    "authorizer.class.name": "kafka.security.authorizer.AclAuthorizer",
    "super.users": superUsers(stage.modes.includes("plaintext")),
    "zookeeper.set.acl": String(stage.protectsZnodes),
  };
}

const SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required;";

/** Clients of the plaintext listener have no name. While it is there, they keep all their rights. */
function superUsers(hasPlaintext: boolean): string {
  return [LAB_PRINCIPAL, ...(hasPlaintext ? ["ANONYMOUS"] : [])]
    .map((name) => `User:${name}`)
    .join(";");
}
