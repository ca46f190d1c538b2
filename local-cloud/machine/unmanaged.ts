import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { run } from "../../shared/process";

/*
 * The machine's network managers must not configure the links of VPCs. Otherwise a user's rule for all
 * Ethernet links would replace their addresses and routes. Each program gets a configuration file in
 * `/run`, in its documented format. The files exist before the first link and until the last VPC is removed.
 */

interface Manager {
  /** A path that exists while the program may run. */
  mark: string;
  file: string;
  text: string;
  unit: string;
  /** Makes a running program read the file. */
  reload: readonly string[];
}

/** The links of all VPCs, of all labs. */
const LINKS = "kl-*";

const MANAGERS: readonly Manager[] = [
  {
    mark: "/run/systemd/system",
    // systemd-networkd applies the first matching file in the order of file names.
    file: "/run/systemd/network/00-kafkalab.network",
    text: `[Match]\nName=${LINKS}\n\n[Link]\nUnmanaged=yes\n`,
    unit: "systemd-networkd.service",
    reload: ["networkctl", "reload"],
  },
  {
    mark: "/run/NetworkManager",
    file: "/run/NetworkManager/conf.d/00-kafkalab.conf",
    text: `[device-kafkalab]\nmatch-device=interface-name:${LINKS}\nmanaged=0\n`,
    unit: "NetworkManager.service",
    reload: ["nmcli", "general", "reload", "conf"],
  },
];

/** The directories to which {@link claimLinks} writes. */
export const MANAGER_DIRECTORIES = MANAGERS.map(({ file }) => dirname(file));

/** The managers that may run and still lack their file. */
const due = () => MANAGERS.filter(({ mark, file }) => existsSync(mark) && !existsSync(file));

/** Whether the network managers ignore the links of VPCs. */
export const areLinksClaimed = () => due().length === 0;

/** Makes the network managers ignore the links of VPCs. */
export async function claimLinks(): Promise<void> {
  for (const manager of due()) {
    mkdirSync(dirname(manager.file), { recursive: true, mode: 0o755 });
    writeFileSync(manager.file, manager.text, { mode: 0o644 });
    await reload(manager);
  }
}

/** Removes the files of {@link claimLinks}. */
export async function releaseLinks(): Promise<void> {
  for (const manager of MANAGERS.filter(({ file }) => existsSync(file))) {
    rmSync(manager.file, { force: true });
    await reload(manager);
  }
}

/** Reloads a running program. A stopped program must not start: it reads its files later. */
async function reload({ unit, reload }: Manager): Promise<void> {
  const runs = await run(["systemctl", "is-active", "--quiet", unit]).then(
    () => true,
    () => false,
  );
  if (runs) {
    await run(reload);
  }
}
