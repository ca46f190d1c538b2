import { type Estimate, type Item, sum } from "./estimate";
import { HOURS_PER_MONTH } from "./price-list";
import { inRegion, type Section } from "./prices";

type Row = [resource: string, what: string, perHour: string, perMonth: string];

/** The estimate as text: a table by host and resource, with notes. */
export function table(stack: string, estimate: Estimate, notes: string[]): string {
  const { items, missing, perMonth, region, sections } = estimate;
  const groups = [...new Set(items.map(({ group }) => group))];
  const rows = groups.flatMap((group) => {
    const own = items.filter((item) => item.group === group);
    return [
      row(group, "", own.some(unpriced) ? undefined : sum(own)),
      ...own.map(({ resource, what, perMonth: price }) => row(`  ${resource}`, what, price)),
    ];
  });
  const total = row("TOTAL", missing.length > 0 ? "without rows marked ?" : "", perMonth);
  return [
    `Stack ${stack}, in ${region}: estimated price in USD.`,
    "",
    ...columns([["RESOURCE", "WHAT", "PER HOUR", "PER MONTH"], ...rows, total]),
    "",
    ...(missing.length > 0 ? section("INCOMPLETE:", missing) : atAGlance(estimate)),
    ...section("Not in the total, since it depends on use:", estimate.usage.map(rate(region))),
    ...section("To know:", [
      "A zone costs a whole month unless it is deleted within 12 hours.",
      ...notes,
    ]),
    ...section("Prices of AWS, from cli/cost/prices.json:", sections.map(origin)),
    "An estimate, without taxes, discounts and data transfer. " +
      `A month is ${HOURS_PER_MONTH} hours.`,
    "",
  ].join("\n");
}

/** The estimate as JSON. */
export function json(stack: string, estimate: Estimate, notes: string[]): string {
  const { items, missing, perMonth, pausedPerMonth, region, sections, usage } = estimate;
  const value = {
    stack,
    region,
    currency: "USD",
    hoursPerMonth: HOURS_PER_MONTH,
    items: items.map(({ group, resource, what, perMonth: price }) => ({
      group,
      resource,
      what,
      ...figures(price),
    })),
    total: figures(perMonth),
    paused: figures(pausedPerMonth),
    complete: missing.length === 0,
    missing,
    usage: usage.map((one) => ({ what: one.what, price: inRegion(one, region) ?? null })),
    prices: sections.map(({ what, date, source, copy }) => ({ what, date, source, copy })),
    notes,
  };
  return `${JSON.stringify(value, null, 2)}\n`;
}

function row(resource: string, what: string, perMonth: number | undefined): Row {
  return perMonth === undefined
    ? [resource, what, "?", "?"]
    : [resource, what, perHour(perMonth).toFixed(4), perMonth.toFixed(2)];
}

/** Aligns text to the left and numbers to the right. */
function columns(rows: Row[]): string[] {
  const width = [0, 1, 2, 3].map((column) =>
    Math.max(...rows.map((cells) => cells[column]?.length ?? 0)),
  );
  return rows.map((cells) =>
    cells
      .map((cell, column) =>
        column < 2 ? cell.padEnd(width[column] ?? 0) : cell.padStart(width[column] ?? 0),
      )
      .join("  "),
  );
}

function section(title: string, lines: string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`), ""];
}

function atAGlance({ perMonth, pausedPerMonth }: Estimate): string[] {
  const lines = [`Per day: ${(perHour(perMonth) * 24).toFixed(2)}.`];
  if (pausedPerMonth < perMonth) {
    const [, , hour, month] = row("", "", pausedPerMonth);
    lines.push(`Paused (kafkalab:running false): ${hour} per hour, ${month} per month.`);
  }
  return [...lines, ""];
}

function rate(region: string) {
  return (one: Section<number>) => `${String(inRegion(one, region) ?? "?").padEnd(5)}  ${one.what}`;
}

function origin({ what, date, source }: Section<unknown>): string {
  return `${date}  ${what}: ${source}`;
}

function figures(perMonth: number | undefined) {
  return perMonth === undefined
    ? { perHour: null, perMonth: null }
    : { perHour: rounded(perHour(perMonth)), perMonth: rounded(perMonth) };
}

function unpriced({ perMonth }: Item): boolean {
  return perMonth === undefined;
}

function perHour(perMonth: number): number {
  return perMonth / HOURS_PER_MONTH;
}

/** Removes rounding errors of binary fractions. */
function rounded(value: number): number {
  return Number(value.toFixed(6));
}
