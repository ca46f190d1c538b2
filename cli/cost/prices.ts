import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Prices of one kind in USD, with their source. */
export interface Section<T> {
  /** The priced item and its unit. */
  what: string;
  /** When AWS published them. */
  date: string;
  /** AWS's page with the current prices. */
  source: string;
  /** A copy of the page from that date. */
  copy?: string;
  /** Prices by region. */
  regions?: Record<string, T>;
  /** The price in all regions, if it is the same. */
  everywhere?: T;
}

/** The monthly price of a volume type. */
export interface VolumePrice {
  /** Per GiB. */
  gib: number;
  /** Per IOPS, in three tiers: up to 32000, up to 64000, and above. The last price covers missing tiers. */
  iops?: number[];
  /** Per MiB/s. */
  mibps?: number;
}

/** Prices that depend on usage. */
export type Usage = "internetGb" | "zoneGb" | "natGb" | "queries" | "t3Credits" | "t4gCredits";

/** The table in `prices.json`. */
export interface Prices {
  instances: Section<Record<string, number>>;
  volumes: Section<Record<string, VolumePrice>>;
  addresses: Section<number>;
  natGateways: Section<number>;
  zones: Section<number>;
  usage: Record<Usage, Section<number>>;
}

/** Reads the table. */
export function readPrices(): Prices {
  return JSON.parse(readFileSync(join(__dirname, "prices.json"), "utf8")) as Prices;
}

/** Returns a section's price for a region, if there is one. */
export function inRegion<T>(section: Section<T>, region: string): T | undefined {
  return section.everywhere ?? section.regions?.[region];
}
