/*
 * The columns of `npm run status` that show facts about a host. Each entry of COLUMNS reads a fact that
 * `host.sh` prints, and adds it to the table of hosts and to `--json`.
 */
import { mark } from "../lib/output";

/** Defines how to read and show one fact about a host. */
interface Column<Value> {
  /** The fact's name in the output of `host.sh`. */
  fact: string;
  /** The heading of the column. */
  head: string;
  /** Reads the text that `host.sh` printed after the name; `undefined` if it did not print the fact. */
  read: (text: string | undefined) => Value;
  /** Formats the cell of a host. The value is `undefined` if the host does not report the fact. */
  show: (value: Value | undefined, host: { well: boolean }) => string;
  /** Only the hosts of the clusters report the fact, not the bastion and client hosts. @default false */
  clusterOnly?: boolean;
}

/** The columns in the order of the table. Each key is the name of the fact in `--json`. */
const COLUMNS = {
  upSeconds: column({
    fact: "up",
    head: "UP",
    read: (text) => Number(text ?? 0),
    show: (value) => (value === undefined ? mark("bad", "down") : duration(value)),
  }),
  service: column({
    fact: "service",
    head: "SERVICE",
    read: (text) => text ?? "-",
    show: (value) => value ?? "-",
    clusterOnly: true,
  }),
  state: column({
    fact: "state",
    head: "STATE",
    read: (text) => text ?? "unknown",
    show: (value, { well }) => {
      if (value === undefined) {
        return "-";
      }
      return well ? value : mark("bad", value);
    },
    clusterOnly: true,
  }),
  // Usage of the `/data` disk, such as `1%`. Empty on a host without this disk.
  disk: column({
    fact: "disk",
    head: "DISK",
    read: (text) => text ?? "",
    show: (value) => (value === undefined || value === "" ? "-" : value),
    clusterOnly: true,
  }),
};

/** All facts that a host reports for these columns. */
export type HostFacts = {
  [Name in keyof typeof COLUMNS]: ReturnType<(typeof COLUMNS)[Name]["read"]>;
};

// With this type, the compiler knows that `read` returns the type that `show` takes.
const TYPED: { [Name in keyof HostFacts]: Column<HostFacts[Name]> } = COLUMNS;
const NAMES = Object.keys(COLUMNS) as (keyof HostFacts)[];

/** The headings of the columns. */
export const COLUMN_HEADS = NAMES.map((name) => TYPED[name].head);

/** Reads the facts. `printed` has the text that `host.sh` printed, by fact. */
export function readFacts(printed: ReadonlyMap<string, string>): HostFacts {
  const values = NAMES.map((name) => [name, TYPED[name].read(printed.get(TYPED[name].fact))]);
  return Object.fromEntries(values) as HostFacts;
}

/** Returns the facts that `--json` and the table show for a host. */
export function reportedFacts(facts: HostFacts, isInCluster: boolean): Partial<HostFacts> {
  const names = NAMES.filter((name) => isInCluster || TYPED[name].clusterOnly !== true);
  return Object.fromEntries(names.map((name) => [name, facts[name]]));
}

/** The cells of a host in these columns. */
export function columnCells(facts: Partial<HostFacts>, host: { well: boolean }): string[] {
  return NAMES.map((name) => cell(name, facts, host));
}

function cell<Name extends keyof HostFacts>(
  name: Name,
  facts: Partial<HostFacts>,
  host: { well: boolean },
): string {
  return TYPED[name].show(facts[name], host);
}

/** Lets the compiler infer the type of a fact from `read`. */
function column<Value>(definition: Column<Value>): Column<Value> {
  return definition;
}

/** `2h05m` */
function duration(seconds: number): string {
  const minutes = Math.floor((seconds % 3600) / 60);
  return `${Math.floor(seconds / 3600)}h${String(minutes).padStart(2, "0")}m`;
}
