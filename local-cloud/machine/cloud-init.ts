import PostalMime from "postal-mime";
import { parse } from "yaml";

/*
 * Converts an instance's user data and metadata to plain files. The image's units local-cloud-init and
 * local-cloud-final apply these files as cloud-init does on EC2, in the same order, but without starting
 * Python at each boot. test/full/cloud-init.test.ts compares both.
 */

/** The content of user data, as far as the local cloud supports it. */
export interface UserData {
  config: CloudConfig;
  /** In execution order. */
  scripts: { name: string; text: string }[];
}

interface CloudConfig {
  fqdn?: string;
  hostname?: string;
  prefer_fqdn_over_hostname?: boolean;
  write_files?: { path: string; content: string; permissions?: string }[];
  ssh_keys?: Record<string, string>;
  users?: ("default" | User)[];
}

interface User {
  name: string;
  gecos?: string;
  groups?: string[];
  shell?: string;
  sudo?: string;
  ssh_authorized_keys?: string[];
}

/** An instance's data in EC2's metadata service. */
export interface Metadata {
  instanceId: string;
  /** The private DNS name. */
  localHostname: string;
  /** Public key of the key pair, as an authorized_keys line. */
  publicKey?: string;
}

/** A file of a host, with its path relative to the root directory. */
export interface SeedFile {
  path: string;
  content: string | Uint8Array;
  mode: number;
}

/** The login user of Debian's EC2 image, from its `/etc/cloud/cloud.cfg.d/01_debian_cloud.cfg`. */
const DEFAULT_USER: User = {
  name: "admin",
  gecos: "Debian",
  groups: ["adm", "audio", "cdrom", "dialout", "dip", "floppy", "plugdev", "sudo", "video"],
  shell: "/bin/bash",
  sudo: "ALL=(ALL) NOPASSWD:ALL",
};

/** The directory that the image's units read. */
const SEED = "var/lib/cloud/seed/local-cloud";

/** User data that the local cloud does not support. */
export class UserDataError extends Error {}

/** @throws UserDataError */
export async function readUserData(raw: Uint8Array): Promise<UserData> {
  const text = new TextDecoder().decode(raw);
  if (/^(mime-version|content-type):/i.test(text)) {
    return readParts(raw);
  }
  if (text.startsWith("#!")) {
    return { config: {}, scripts: [{ name: partName(1), text }] };
  }
  if (text.startsWith("#cloud-config\n")) {
    return { config: readConfig(text), scripts: [] };
  }
  if (raw[0] === 0x1f || /^(#include|#cloud-|#part-handler|#upstart|## template)/.test(text)) {
    throw new UserDataError(
      `the local cloud accepts a script, #cloud-config or both as MIME multipart for user data; got "${text.slice(0, 20)}"`,
    );
  }
  return { config: {}, scripts: [] }; // cloud-init only warns about other user data
}

async function readParts(raw: Uint8Array): Promise<UserData> {
  // Python, in which cloud-init is written, escapes such a character.
  if (raw.some((byte) => byte > 0x7f)) {
    throw new UserDataError(
      "the local cloud accepts only ASCII in user data as MIME multipart: cloud-init garbles other " +
        "characters unless their part is base64",
    );
  }
  const { attachments, text, html } = await PostalMime.parse(raw, { attachmentEncoding: "utf8" });
  const result: UserData = { config: {}, scripts: [] };
  const types = [
    ...attachments.map((part) => part.mimeType),
    ...((text ?? html) ? ["text/plain"] : []),
  ];
  const other = types.find((type) => type !== CONFIG && type !== SCRIPT);
  if (other !== undefined || types.filter((type) => type === CONFIG).length > 1) {
    throw new UserDataError(
      `the local cloud accepts one part of type ${CONFIG} and others of type ${SCRIPT}; got ${types.join(", ")}`,
    );
  }
  attachments.forEach((part, index) => {
    const body =
      typeof part.content === "string" ? part.content : new TextDecoder().decode(part.content);
    if (part.mimeType === CONFIG) {
      result.config = readConfig(body);
    } else {
      result.scripts.push({ name: part.filename ?? partName(index + 1), text: body });
    }
  });
  return result;
}

const CONFIG = "text/cloud-config";
const SCRIPT = "text/x-shellscript";
const partName = (ordinal: number) => `part-${String(ordinal).padStart(3, "0")}`;

/** The keys of cloud-config that the local cloud supports, each with the supported keys of its entries. */
const KNOWN: Record<string, string[]> = {
  fqdn: [],
  hostname: [],
  prefer_fqdn_over_hostname: [],
  write_files: ["path", "content", "permissions"],
  ssh_keys: ["ed25519_private", "ed25519_public"],
  users: ["name", "gecos", "groups", "shell", "sudo", "ssh_authorized_keys"],
};

function readConfig(text: string): CloudConfig {
  let config: unknown;
  try {
    config = parse(text, { version: "1.1" });
  } catch (error) {
    throw new UserDataError(`cloud-config must be YAML; ${String(error)}`, { cause: error });
  }
  const faults = Object.entries((config ?? {}) as Record<string, unknown>).flatMap(
    ([key, value]) => {
      const known = KNOWN[key];
      if (known === undefined) {
        return [key];
      }
      const entries = Array.isArray(value) ? value : [value];
      return entries
        .flatMap((entry: unknown) => (typeof entry === "object" && entry ? Object.keys(entry) : []))
        .filter((name) => !known.includes(name))
        .map((name) => `${key}.${name}`);
    },
  );
  if (faults.length > 0) {
    throw new UserDataError(
      `the local cloud does not support these keys of cloud-config: ${faults.join(", ")}; it supports ${Object.keys(KNOWN).join(", ")}`,
    );
  }
  return config ?? {};
}

/** Returns the files for an instance's first boot. */
export function seedFiles({ config, scripts }: UserData, metadata: Metadata): SeedFile[] {
  const home = `var/lib/cloud/instances/${metadata.instanceId}`;
  const wanted = config.users ?? ["default"];
  const hasDefault = wanted.includes("default");
  // cloud-init creates the image's own user last.
  const users = [
    ...wanted.filter((user): user is User => user !== "default"),
    ...(hasDefault ? [DEFAULT_USER] : []),
  ];
  const defaultUser = hasDefault ? DEFAULT_USER.name : "";
  const keys = metadata.publicKey === undefined ? "" : `${metadata.publicKey.trim()}\n`;
  const files: [path: string, content: string, mode?: number][] = [
    ["etc/netplan/50-cloud-init.yaml", NETPLAN],
    [`${SEED}/hostname`, `${hostName(config, metadata)}\n`],
    [`${SEED}/public-keys`, keys],
    [`${SEED}/default-user`, defaultUser && `${defaultUser}\n`],
    [`${SEED}/root-keys`, keys && `${refusal(defaultUser || "NONE")} ${keys}`],
    ...Object.entries(config.ssh_keys ?? {}).map(([name, key]): [string, string, number] => [
      `${SEED}/ssh_keys/ssh_host_ed25519_key${name.endsWith("public") ? ".pub" : ""}`,
      key,
      0o600,
    ]),
    ...(config.write_files ?? []).flatMap((file, index): [string, string, number?][] => [
      [`${SEED}/write_files/${index}.path`, `${file.path}\n`],
      [
        `${SEED}/write_files/${index}.content`,
        file.content,
        parseInt(file.permissions ?? "644", 8),
      ],
    ]),
    ...users.flatMap((user, index): [string, string][] => [
      [`${SEED}/users/${index}/name`, `${user.name}\n`],
      [`${SEED}/users/${index}/useradd`, lines(useradd(user))],
      [`${SEED}/users/${index}/sudo`, sudoRules(user)],
      [`${SEED}/users/${index}/authorized_keys`, lines(user.ssh_authorized_keys ?? [])],
    ]),
    ...scripts.map(({ name, text }): [string, string, number] => [
      `${home}/scripts/${name}`,
      text.replaceAll("\r\n", "\n"),
      0o700,
    ]),
  ];
  return files.map(([path, content, mode]) => ({ path, content, mode: mode ?? 0o600 }));
}

function hostName(
  { fqdn, hostname, prefer_fqdn_over_hostname }: CloudConfig,
  { localHostname }: Metadata,
) {
  const full = fqdn ?? hostname ?? localHostname;
  return prefer_fqdn_over_hostname === true ? full : (hostname ?? full).replace(/\..*/, "");
}

function useradd({ name, gecos, groups, shell }: User): string[] {
  return [
    name,
    ...(gecos === undefined ? [] : ["--comment", gecos]),
    ...(groups === undefined ? [] : ["--groups", groups.join(",")]),
    ...(shell === undefined ? [] : ["--shell", shell]),
    "-m",
  ];
}

const lines = (texts: string[]) => texts.map((text) => `${text}\n`).join("");

/** The options that cloud-init writes before root's authorized keys. */
const refusal = (user: string) =>
  'no-port-forwarding,no-agent-forwarding,no-X11-forwarding,command="echo ' +
  `'Please login as the user \\"${user}\\" rather than the user \\"root\\".';echo;sleep 10;exit 142"`;

const sudoRules = ({ name, sudo }: User) =>
  sudo === undefined ? "" : `\n# User rules for ${name}\n${name} ${sudo}\n`;

/**
 * The file that cloud-init writes for an instance with one address, without the interface's MAC address:
 * netplan cannot match a container's interface by its MAC address.
 */
const NETPLAN = `network:
    ethernets:
        ens5:
            dhcp4: true
            dhcp4-overrides:
                route-metric: 100
            dhcp6: false
    version: 2
`;
