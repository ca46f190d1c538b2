import { RemoteError, type RemoteHost } from "../../host";
import type { AccessWish } from "../../wish";
import { ADMIN_KCAT } from "../../../shared/kafka-contact";
import { MECHANISM } from "./entities";

/** How long `kcat` tries. It does not stop earlier if the broker rejects the password. */
const LOGIN_SECONDS = 5;
const KCAT_SECONDS = 20;
/** The answer of a broker to a wrong password, and to a user that it does not know. */
const REJECTED = /SASL authentication error: .*invalid credentials/;

/** Nobody could decide whether a user can log in. */
export class LoginError extends Error {}

/**
 * Whether a user can log in with a password. Only the brokers know: they store a salted hash, and somebody
 * else may have set another password.
 *
 * @param host The host that runs `kcat`. It reads the password from stdin.
 * @throws LoginError if no broker answers.
 */
export async function canLogIn(
  host: RemoteHost,
  user: string,
  password: string,
  { saslServers = [] }: AccessWish,
): Promise<boolean> {
  // kcat takes everything after the first = as the value, except for blanks at the ends.
  const config = [
    "security.protocol=sasl_ssl",
    `sasl.mechanisms=${MECHANISM}`,
    `sasl.username=${user}`,
    `sasl.password=${password}`,
  ];
  const argv = [
    // The broker's own configuration knows the CA, and has a certificate if brokers want one.
    ...["sh", "-c", `{ cat ${ADMIN_KCAT}; echo; cat; } | "$0" "$@"`, "kcat", "-F", "/dev/stdin"],
    ...["-L", "-J", "-m", String(LOGIN_SECONDS), "-b", saslServers.join(",")],
  ];
  try {
    await host.exec(argv, {
      input: config.map((line) => `${line}\n`).join(""),
      seconds: KCAT_SECONDS,
    });
    return true;
  } catch (error) {
    if (!(error instanceof RemoteError)) {
      throw error;
    }
    if (REJECTED.test(error.stderr)) {
      return false;
    }
    throw new LoginError(
      `user "${user}": ${saslServers.join(",")} must answer its login; got "${error.message}"; ` +
        "logs: journalctl -u kafka-server on each broker",
    );
  }
}
