import { fingerprint } from "./scripts";
import { renderScript } from "../../shared/remote-script";
import { VOLUME_SECONDS } from "./waits";

/** The data that a host needs before anybody can connect over SSH. */
export interface HostData {
  fullName: string;
  /** The search domain for short names. */
  domain: string;
  loginUser: string;
  /** Public key of the login user, as an authorized_keys line. */
  loginKey: string;
  /** The SSH host key, Ed25519, in OpenSSH's format. */
  hostKey: { private: string; public: string };
  /** Id of the data volume; empty for a host without one. */
  volumeId: string;
}

/**
 * Renders the user data of a host. cloud-init applies the cloud-config before sshd starts, so that no
 * client ever sees another host key or a host without its login user. cloud-init applies it only once: a
 * host that loses power in these first seconds must be replaced. The script runs after all services have
 * started. If it was interrupted, `install.sh` runs it again.
 */
export function hostUserData(host: HostData): string {
  const config = {
    fqdn: host.fullName,
    prefer_fqdn_over_hostname: true,
    write_files: [
      // Debian's image ignores the search domain from DHCP.
      {
        path: "/etc/systemd/resolved.conf.d/kafkalab.conf",
        content: `[Resolve]\nDomains=${host.domain}\n`,
      },
      // Pulumi opens many connections at once, on the bastion for every host. By default sshd drops some.
      { path: "/etc/ssh/sshd_config.d/kafkalab.conf", content: "MaxStartups 100\n" },
    ],
    // With a given key cloud-init generates no key of another type.
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
 * Renders a MIME message. The same parts give the same text.
 *
 * @param parts Their bodies must be ASCII, since cloud-init garbles other characters of a part that is not
 *   base64. Base64 would make user data a third longer, and the state holds it five times.
 */
export function renderMultipart(parts: [type: string, body: string][]): string {
  // No part can contain the hash of all parts.
  const boundary = `kafkalab-${fingerprint(parts)}`;
  const rendered = parts.map(([type, body]) => {
    const strange = /[^\n\t -~]/u.exec(body)?.[0];
    if (strange !== undefined) {
      throw new Error(`user data: the part ${type} must be printable ASCII; got "${strange}"`);
    }
    // The line break before a boundary belongs to the boundary.
    return `--${boundary}\nContent-Type: ${type}\n\n${body}\n`;
  });
  return (
    `MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="${boundary}"\n\n` +
    `${rendered.join("")}--${boundary}--\n`
  );
}
