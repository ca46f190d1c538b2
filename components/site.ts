import type { Image } from "./debian-image";
import type { Firewall } from "./firewall";
import type { Host } from "./host";
import type { KeyPair } from "./key-pair";
import type { Network } from "./network";
import type { PrivateDns } from "./private-dns";

/** The resources and properties that all hosts of a lab share. */
export interface Site {
  network: Network;
  firewall: Firewall;
  keyPair: KeyPair;
  dns: PrivateDns;
  /** The image that new hosts boot. */
  image: Image;
  /** The bastion; undefined if all hosts are reached directly. */
  bastion?: Host;
  /** Whether the hosts run. False if the lab is paused. */
  running: boolean;
  /** Whether the lab has no host yet. If so, every host starts for the first time. */
  isNew: boolean;
  /** Tags of every resource, without `Name`. */
  tags: Record<string, string>;
}

/** Adds the tag `Name`. */
export function named(tags: Record<string, string>, name: string): Record<string, string> {
  return { ...tags, Name: name };
}
