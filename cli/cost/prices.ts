import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Prices in USD of one kind, with where they are from. */
export interface Section<T> {
  /** What is priced, and per what. */
  what: string;
  /** When AWS published them. */
  date: string;
  /** Where AWS publishes them; it shows those of today. */
  source: string;
  /** Where those of the date can be read. */
  copy?: string;
  /** By region... */
  regions?: Record<string, T>;
  /** ...or the same in all of them. */
  everywhere?: T;
}

/** What a volume type costs per month. */
export interface VolumePrice {
  /** Per GiB. */
  gib: number;
  /** Per IOPS: up to 32000, from there to 64000, and above that; the last one holds for the rest. */
  iops?: number[];
  /** Per MiB/s. */
  mibps?: number;
}

/** What depends on use. */
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

/** What a section says for a region, if anything. */
export function inRegion<T>(section: Section<T>, region: string): T | undefined {
  return section.everywhere ?? section.regions?.[region];
}
