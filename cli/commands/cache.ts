import { InvalidArgumentError } from "commander";
import { cacheContents, type CacheContents, type CacheEntry } from "../cache/entries";
import { prunable, prune } from "../cache/prune";
import type { LabCommand } from "../lib/command";
import { human, print, printJson, table } from "../lib/output";
import { cacheDir } from "../lib/places";

/** @default of `--unused-for` */
const UNUSED_DAYS = 7;

interface PruneOptions {
  dryRun?: boolean;
  json?: boolean;
  unusedFor: number;
}

export const command: LabCommand = {
  summary: "show the contents of the caches, and remove unused entries",
  examples: [
    "npm run -s cache",
    "npm run -s cache -- --entries",
    "npm run cache -- prune --dry-run",
    "npm run cache -- prune --unused-for 0",
  ],
  define(command, act) {
    command
      .option("--entries", "show each entry")
      .option("--json", "print JSON for programs")
      .action(
        act(async ({ entries, json }: { entries?: boolean; json?: boolean }) => {
          const contents = await cacheContents(cacheDir);
          if (json) {
            printJson(contents);
          } else {
            print(entries ? entryTable(contents.entries) : summary(contents));
          }
        }),
      );
    command
      .command("prune")
      .description("remove entries that no checkout, lab or process uses")
      .option("--dry-run", "only show what would be removed")
      .option(
        "--unused-for <days>",
        "keep entries that a setup has used within this time",
        days,
        UNUSED_DAYS,
      )
      .option("--json", "print JSON for programs")
      .action(act(pruneCache));
  },
};

async function pruneCache({
  dryRun = false,
  json = false,
  unusedFor,
}: PruneOptions): Promise<void> {
  const choose = (entries: readonly CacheEntry[]) => prunable(entries, unusedFor);
  const gone = dryRun
    ? choose((await cacheContents(cacheDir)).entries)
    : await prune(cacheDir, choose);
  if (json) {
    return printJson(gone);
  }
  const total = human(gone.reduce((sum, { bytes }) => sum + bytes, 0));
  const did = dryRun ? "would remove" : "removed";
  print(
    ...(gone.length === 0 ? [] : [entryTable(gone)]),
    `${did} ${gone.length} ${gone.length === 1 ? "entry" : "entries"}, ${total}`,
  );
}

function days(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0)) {
    throw new InvalidArgumentError("It must be a number of days, 0 or more.");
  }
  return value;
}

const day = (lastUsed: string | undefined) => lastUsed?.slice(0, 10) ?? "unknown";

/** A table with a row for each entry. */
export function entryTable(entries: readonly CacheEntry[]): string {
  const rows = entries.map(({ kind, path, bytes, inUse, lastUsed }) => [
    kind,
    path.slice(kind.length + 1),
    human(bytes),
    inUse ? "in use" : "-",
    day(lastUsed),
  ]);
  return table([["KIND", "ENTRY", "SIZE", "USE", "LAST USED"], ...rows], [2]);
}

/** A table with a row for each kind. */
export function summary({ directory, entries, stores }: CacheContents): string {
  const size = (list: readonly { bytes: number }[]) =>
    human(list.reduce((sum, { bytes }) => sum + bytes, 0));
  const kinds = [...new Set(entries.map(({ kind }) => kind))];
  const rows = kinds.map((kind) => {
    const own = entries.filter((entry) => entry.kind === kind);
    const used = own.filter(({ inUse }) => inUse);
    const rest = own.filter(({ inUse }) => !inUse);
    const last = own.map(({ lastUsed }) => lastUsed ?? "").sort().at(-1) || undefined; // prettier-ignore
    const unused = rest.length === 0 ? "-" : `${rest.length} (${size(rest)})`;
    return [kind, `${own.length}`, size(own), `${used.length}`, unused, day(last)];
  });
  const others = stores.map(({ kind, bytes }) => [kind, "", human(bytes), "", "", ""]);
  const head = ["KIND", "ENTRIES", "SIZE", "IN USE", "NOT IN USE", "LAST USED"];
  return [
    table([head, ...rows, ...others], [1, 2, 3]),
    "",
    `${size([...entries, ...stores])} in ${directory}`,
    "Remove what is not in use: npm run cache -- prune",
  ].join("\n");
}
