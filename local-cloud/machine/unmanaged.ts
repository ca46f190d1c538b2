import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { run } from "../../shared/process";

/*
 * What configures the machine's network must leave the links of VPCs alone. A rule of the user's for
 * all Ethernet links would otherwise replace their addresses and routes. Each program learns it in
 * its documented way, in `/run`, from before the first link is made until the last VPC is gone.
 */

interface Manager {
  /** Is there while the program may run. */
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
    // The first file by name that matches a link applies.
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

/** Where {@link claimLinks} writes. */
export const MANAGER_DIRECTORIES = MANAGERS.map(({ file }) => dirname(file));

/** The managers that may run and whose file is still missing. */
const due = () => MANAGERS.filter(({ mark, file }) => existsSync(mark) && !existsSync(file));

/** Whether the machine's network managers leave the links of VPCs alone. */
export const areLinksClaimed = () => due().length === 0;

/** Keeps the machine's network managers off the links of VPCs. */
export async function claimLinks(): Promise<void> {
  for (const manager of due()) {
    mkdirSync(dirname(manager.file), { recursive: true, mode: 0o755 });
    writeFileSync(manager.file, manager.text, { mode: 0o644 });
    await reload(manager);
  }
}

/** Removes what {@link claimLinks} wrote. */
export async function releaseLinks(): Promise<void> {
  for (const manager of MANAGERS.filter(({ file }) => existsSync(file))) {
    rmSync(manager.file, { force: true });
    await reload(manager);
  }
}

/** A program that is not running reads its files when it starts, and must not be started here. */
async function reload({ unit, reload }: Manager): Promise<void> {
  const runs = await run(["systemctl", "is-active", "--quiet", unit]).then(
    () => true,
    () => false,
  );
  if (runs) {
    await run(reload);
  }
}
