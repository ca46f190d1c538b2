import { fingerprint, renderScript } from "./scripts";
import { VOLUME_SECONDS } from "./waits";

/** What a host must know of itself before anybody can tell it over SSH. */
export interface HostData {
  fullName: string;
  /** Where short names are looked for. */
  domain: string;
  loginUser: string;
  /** Public key of the login user, as an authorized_keys line. */
  loginKey: string;
  /** The SSH host key, Ed25519, in OpenSSH's format. */
  hostKey: { private: string; public: string };
  /** Of the data volume; empty for a host without one. */
  volumeId: string;
}

/**
 * User data of a host. What cloud-config says is there before sshd starts, so that no client ever
 * sees another host key, or a host without its login user. cloud-init never applies it again, and a
 * power cut in these first seconds leaves a host that must be replaced. The script runs once all
 * services have been started, and is run again where it was cut short (`install.sh`).
 */
export function hostUserData(host: HostData): string {
  const config = {
    fqdn: host.fullName,
    prefer_fqdn_over_hostname: true,
    write_files: [
      // Debian's image takes no search domain from DHCP.
      {
        path: "/etc/systemd/resolved.conf.d/kafkalab.conf",
        content: `[Resolve]\nDomains=${host.domain}\n`,
      },
      // Remote commands come all at once, to a bastion for every host; by default sshd turns some away.
      { path: "/etc/ssh/sshd_config.d/kafkalab.conf", content: "MaxStartups 100\n" },
    ],
    // No key of another type is made then.
    ssh_keys: { ed25519_private: host.hostKey.private, ed25519_public: host.hostKey.public },
    users: [
      "default",
      {
        name: host.loginUser,
        shell: "/bin/bash",
        sudo: "ALL=(ALL) NOPASSWD:ALL",
        ssh_authorized_keys: [host.loginKey],
      },
    ],
  };
  return renderMultipart([
    // JSON is YAML.
    ["text/cloud-config", `#cloud-config\n${JSON.stringify(config)}\n`],
    [
      "text/x-shellscript",
      renderScript(["user-data.sh"], {
        VOLUME_ID: host.volumeId,
        VOLUME_SECONDS: String(VOLUME_SECONDS),
      }),
    ],
  ]);
}

/**
 * A MIME message of these parts, each with its type. The same parts give the same text. In base64, so
 * that every reader finds the same bytes: readers differ in whose the line break before a boundary is.
 */
export function renderMultipart(parts: [type: string, body: string][]): string {
  // No part can hold the hash of all.
  const boundary = `kafkalab-${fingerprint(parts)}`;
  const rendered = parts.map(
    ([type, body]) =>
      `--${boundary}\nContent-Type: ${type}; charset="utf-8"\n` +
      `Content-Transfer-Encoding: base64\n\n${base64(body)}`,
  );
  return (
    `MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="${boundary}"\n\n` +
    `${rendered.join("")}--${boundary}--\n`
  );
}

/** In lines of 76 characters, the most that MIME allows. */
const base64 = (text: string) =>
  Buffer.from(text)
    .toString("base64")
    .replace(/.{1,76}/g, "$&\n");
