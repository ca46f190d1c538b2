import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { candidateLines } from "../components/lib/archive-pins";
import { copyTo, put, readHosts, ROUTER, upper, variables, writeHost, writeNetwork } from "./hosts";

/** Writes the files for `floor.sh`: the final files of each host of the stack. */
export function writeFloorFiles(directory: string, raw: Record<string, string>): void {
  const all = readHosts(raw);
  writeNetwork(directory, all);
  for (const host of all.hosts) {
    const { name, product, service, version, archives } = host;
    const to = upper(directory, host);
    writeHost(directory, host, all);
    appendFileSync(
      join(directory, "hosts", name, "host"),
      variables({ VOLUME_GIB: String(host.volumeGiB) }),
    );
    put(to(`etc/systemd/system/${service}.service`), host.unit);
    put(
      to("bench/archives"),
      candidateLines(`http://${ROUTER}`, product, version, archives) + "\n",
    );
    put(to("bench/config"), `${host.config}\n`);
    put(to("bench/logging"), `${host.logging}\n`);
    put(
      to("bench/settings"),
      variables({
        SERVICE: service,
        SERVICE_USER: product,
        DIRECTORY: host.release,
        CONFIG_FILE: host.configFile,
        LOGGING_FILE: host.loggingFile,
        DATA: host.data,
        MYID: product === "zookeeper" ? String(host.ordinal) : "",
        LAST: name === all.last ? "yes" : "no",
      }),
    );
    copyTo(join(__dirname, "floor-host.sh"), to("var/lib/cloud/instance/scripts/part-001"));
  }
}
