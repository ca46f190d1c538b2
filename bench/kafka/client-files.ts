import { javaConnection, kcatSecurity, pemText } from "../../cli/clients/connection";
import type { SaslSecurity, TlsSecurity } from "../../cli/clients/security";
import { javaLines, kcatLines } from "../../cli/clients/templates/template";
import { shellQuote } from "../../shared/quote";
import { onHost } from "./load";

/** How a client connects over TLS. */
export type SecuredAccess = (TlsSecurity | SaslSecurity) & {
  /** `host:port` of each broker, separated by commas. */
  bootstrapServers: string;
};

/** Where the files are on a host: in memory, and only the login user can read them. */
export const CLIENT_FILES = "/dev/shm/kafkalab-bench";

/**
 * The files with which the clients of `load.sh` connect, by their names. They contain only the connection, so
 * that everything else has Kafka's defaults, as without the files.
 */
export function clientFiles(access: SecuredAccess): Record<string, string> {
  return {
    "client.properties": `${javaLines(javaConnection(access))}\n`,
    "kcat.conf": `${kcatLines(kcatSecurity(access, `${CLIENT_FILES}/kcat.pem`))}\n`,
    "kcat.pem": pemText(access),
  };
}

/** Writes the files to a host, over standard input: no command line contains a secret. */
export async function putClientFiles(host: string, access: SecuredAccess): Promise<void> {
  for (const [name, text] of Object.entries(clientFiles(access))) {
    const path = shellQuote(`${CLIENT_FILES}/${name}`);
    await onHost(host, text, `umask 077 && mkdir -p ${CLIENT_FILES} && cat >${path}`);
  }
}
