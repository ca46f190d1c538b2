import { existsSync } from "node:fs";
import { join } from "node:path";
import { archiveDirectory } from "../components/lib/archive-pins";
import {
  type BenchHost,
  type BenchHosts,
  put,
  readHosts,
  ROUTER,
  upper,
  writeHost,
  writeNetwork,
} from "./hosts";
import { seedFiles } from "../local-cloud/machine/cloud-init";
import { TOP } from "./lab";

/** The archives that the setup has prepared for the hosts. */
const ARCHIVES = join(__dirname, "../.lab/archives");

/** The directory to which `book.sh` copies these files. */
const PLACE = join(TOP, "book");

/**
 * Writes the files for `book.sh`: bare hosts with each other's names, and an inventory with the files that
 * the playbook installs.
 */
export function writeBookFiles(directory: string, raw: Record<string, string>): void {
  const all = readHosts(raw);
  writeNetwork(directory, all);
  for (const host of all.hosts) {
    writeHost(directory, host, all);
    const file = (name: string) => join(directory, "files", host.name, name);
    put(file("config"), `${host.config}\n`);
    put(file("logging"), `${host.logging}\n`);
    put(file("unit"), host.unit);
    // User data that creates the login user at first boot. `book.sh` adds the keys.
    const fqdn = `${host.name}.${all.settings.domain}`;
    const config = { fqdn, prefer_fqdn_over_hostname: true };
    const metadata = { instanceId: "i-bench", localHostname: fqdn };
    for (const seed of seedFiles({ config, scripts: [] }, metadata)) {
      put(upper(directory, host)(seed.path), String(seed.content));
    }
  }
  put(join(directory, "inventory"), inventory(all));
}

function inventory({ hosts }: BenchHosts): string {
  const groups = (["zookeeper", "kafka"] as const).flatMap((product) => {
    const own = hosts.filter((host) => host.product === product);
    const [first] = own;
    return [
      `[${product}]`,
      ...own.map((host) => `${host.name} ansible_host=${host.address} myid=${host.ordinal}`),
      ...section(`${product}:vars`, first === undefined ? {} : groupVariables(first)),
    ];
  });
  const common = {
    ansible_user: "admin",
    ansible_ssh_private_key_file: `${PLACE}/key`,
    // Ignores the user's own configuration, and accepts only known hosts.
    ansible_ssh_common_args: `'-F ${PLACE}/ssh_config'`,
    files: `${PLACE}/files`,
  };
  return [...groups, ...section("all:vars", common), ""].join("\n");
}

function groupVariables(host: BenchHost): Record<string, string> {
  const directory = archiveDirectory("", host.product, host.version);
  const archive = host.archives.find(({ file }) => existsSync(join(ARCHIVES, directory, file)));
  if (archive === undefined) {
    throw new Error(`no archive of ${host.release} is in ${ARCHIVES}${directory}`);
  }
  return {
    product: host.product,
    service: host.service,
    release: host.release,
    archive: `http://${ROUTER}${directory}/${archive.file}`,
    checksum: archive.sha512,
    data: host.data,
    config_file: host.configFile,
    logging_file: host.loggingFile,
  };
}

const section = (name: string, values: Record<string, string>) => [
  `[${name}]`,
  ...Object.entries(values).map(([key, value]) => `${key}=${value}`),
];
