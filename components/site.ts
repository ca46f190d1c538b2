import type { Image } from "./debian-image";
import type { Firewall } from "./firewall";
import type { Host } from "./host";
import type { KeyPair } from "./key-pair";
import type { Network } from "./network";
import type { PrivateDns } from "./private-dns";

/** What all hosts of a lab share: where they are put, who reaches them, how they are named. */
export interface Site {
  network: Network;
  firewall: Firewall;
  keyPair: KeyPair;
  dns: PrivateDns;
  /** What new hosts boot. */
  image: Image;
  /** The host through which all others are reached, if they are not reached directly. */
  bastion?: Host;
  /** Whether hosts run, or are paused. */
  running: boolean;
  /** Whether the lab has no host yet, so that none can have been started twice. */
  isNew: boolean;
  /** Tags of every resource. A resource's `Name` comes on top. */
  tags: Record<string, string>;
}

/** The tags of one resource. */
export function named(tags: Record<string, string>, name: string): Record<string, string> {
  return { ...tags, Name: name };
}
