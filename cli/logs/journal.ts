import { z } from "zod";
import { shellQuote } from "../../shared/quote";

/** The services of a lab. */
export const SERVICES = ["kafka-server", "zookeeper-server"] as const;

/** Which entries of the journals to show. */
export interface Selection {
  /** A time as journalctl reads it, such as "10 minutes ago". */
  since: string;
  /** Only entries whose message matches: a regular expression (PCRE). @default all */
  grep?: string;
  /** The entries of all units, not only those of the lab's services. */
  isEverything: boolean;
  /** Whether to wait for further entries. */
  isFollowed: boolean;
}

/** The command for a host's shell that prints the entries as JSON, one a line. */
export function journalCommand({ since, grep, isEverything, isFollowed }: Selection): string {
  const argv = [
    ...["sudo", "-n", "journalctl", "--quiet", "--no-pager", "--output=json", "--all"],
    `--output-fields=${Object.keys(FIELDS).join()}`,
    `--since=${since}`,
    ...(grep === undefined ? [] : [`--grep=${grep}`]),
    ...(isEverything ? [] : SERVICES.map((service) => `--unit=${service}`)),
    ...(isFollowed ? ["--follow", "--lines=all"] : []),
  ];
  return argv.map(shellQuote).join(" ");
}

/** What the journal calls the parts of an entry. */
const FIELDS = {
  MESSAGE: z
    .union([z.string(), z.array(z.int()), z.array(z.string()), z.null()])
    .optional()
    .transform(textOf),
  SYSLOG_IDENTIFIER: z.string().optional().catch(undefined),
  _SYSTEMD_UNIT: z.string().optional().catch(undefined),
  PRIORITY: z.coerce.number().int().catch(6),
};

const entryFields = z.object({ ...FIELDS, __REALTIME_TIMESTAMP: z.coerce.bigint() });

/** An entry of a host's journal. */
export interface Entry {
  host: string;
  /** Microseconds since 1970, by the host's clock. */
  time: bigint;
  /** The service without its suffix, or the program that wrote the entry. */
  source: string;
  /** The priority of syslog: 3 is an error, 4 a warning, 6 an information. */
  priority: number;
  message: string;
}

/** Reads a line of {@link journalCommand}; undefined if the line is no entry. */
export function readEntry(host: string, line: string): Entry | undefined {
  const { success, data } = entryFields.safeParse(jsonOf(line));
  if (!success) {
    return undefined;
  }
  const unit = data._SYSTEMD_UNIT?.replace(/\.service$/, "");
  const isService = SERVICES.some((service) => service === unit);
  const source = (isService ? unit : (data.SYSLOG_IDENTIFIER ?? unit)) ?? "-";
  const { __REALTIME_TIMESTAMP: time, PRIORITY: priority, MESSAGE: message } = data;
  return { host, time, source, priority, message };
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** A message that is no UTF-8 text is a list of bytes, and one that was written twice a list of texts. */
function textOf(message: string | number[] | string[] | null | undefined): string {
  if (!Array.isArray(message)) {
    return message ?? "";
  }
  return message.every((part) => typeof part === "number")
    ? Buffer.from(message).toString("utf8")
    : message.join("\n");
}

/** Formats an entry: the time in UTC with milliseconds, the host, the source, and the message. */
export function renderEntry({ host, time, source, message }: Entry, width: number): string {
  const at = new Date(Number(time / 1000n)).toISOString().slice(0, -1).replace("T", " ");
  const head = `${at} ${host.padEnd(width)} ${source}: `;
  // Terminals must not obey what a message says.
  const lines = message.replaceAll(/[^\P{Cc}\n\t]/gu, "?").split("\n");
  return lines.map((line) => `${head}${line}`).join("\n");
}
