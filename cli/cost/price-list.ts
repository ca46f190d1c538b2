import { inRegion, type Prices, type Section, type VolumePrice } from "./prices";

/** Hours per month, as in AWS's own estimates. */
export const HOURS_PER_MONTH = 730;

/** A volume as the program declares it. */
export interface Volume {
  type: string;
  gib: number;
  iops?: number;
  mibps?: number;
}

/** The IOPS and throughput that the price of a gp3 volume includes. */
const FREE_OF_GP3 = { iops: 3000, mibps: 125 };

const IOPS_TIERS = [32_000, 64_000];

/**
 * The prices of a region in USD per month. A missing price is `undefined`, and is recorded in `missing`.
 */
export class PriceList {
  /** Messages about missing prices, each with a remedy. */
  readonly missing = new Set<string>();
  /** The sections of all used prices. */
  readonly used = new Set<Section<unknown>>();

  constructor(
    private readonly prices: Prices,
    private readonly region: string,
  ) {}

  instance(type: string): number | undefined {
    const prices = inRegion(this.prices.instances, this.region);
    return times(this.noted("instances", prices?.[type], type), HOURS_PER_MONTH);
  }

  volume(volume: Volume): number | undefined {
    const prices = inRegion(this.prices.volumes, this.region);
    const price = this.noted("volumes", prices?.[volume.type], `${volume.type} volumes`);
    return price === undefined ? undefined : volumePrice(price, volume);
  }

  address(): number | undefined {
    const price = inRegion(this.prices.addresses, this.region);
    return times(this.noted("addresses", price, "public IPv4 addresses"), HOURS_PER_MONTH);
  }

  natGateway(): number | undefined {
    const price = inRegion(this.prices.natGateways, this.region);
    return times(this.noted("natGateways", price, "NAT gateways"), HOURS_PER_MONTH);
  }

  zone(): number | undefined {
    return this.noted("zones", inRegion(this.prices.zones, this.region), "Route53 zones");
  }

  private noted<T>(
    section: Exclude<keyof Prices, "usage">,
    price: T | undefined,
    what: string,
  ): T | undefined {
    if (price === undefined) {
      this.missing.add(
        `The table has no price of ${what} in ${this.region}. ` +
          `Add it to "${section}" in cli/cost/prices.json, with its date and source.`,
      );
    } else {
      this.used.add(this.prices[section]);
    }
    return price;
  }
}

function volumePrice(price: VolumePrice, { type, gib, iops = 0, mibps = 0 }: Volume): number {
  const free = type === "gp3" ? FREE_OF_GP3 : { iops: 0, mibps: 0 };
  return (
    gib * price.gib +
    tiered(Math.max(0, iops - free.iops), price.iops ?? []) +
    Math.max(0, mibps - free.mibps) * (price.mibps ?? 0)
  );
}

function tiered(amount: number, prices: number[]): number {
  return prices.reduce((sum, price, tier) => {
    const from = IOPS_TIERS[tier - 1] ?? 0;
    const to = tier === prices.length - 1 ? Infinity : (IOPS_TIERS[tier] ?? Infinity);
    return sum + Math.max(0, Math.min(amount, to) - from) * price;
  }, 0);
}

function times(price: number | undefined, factor: number): number | undefined {
  return price === undefined ? undefined : price * factor;
}
