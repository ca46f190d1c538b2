import { readFileSync } from "node:fs";
import { join } from "node:path";
import { KAFKA_HOME } from "../../shared/homes";
import { variables } from "../hosts";
import { STATE } from "../lab";
import { run } from "../run";
import { caseName, type Case } from "./perf-output";

export const BROKERS = ["peter-kafka01", "peter-kafka02", "peter-kafka03"];
/** The host of the clients. */
export const CLIENTS = "peter-kafka01";
const PARTITIONS = 6;
const WARM_UP = 400_000;
/** The number of records to send, by record size in bytes. */
const RECORDS: Record<number, number> = { 100: 1_000_000, 1024: 200_000 };
/** A trial sends fewer records, by this factor. */
const TRIAL = 10;

/** What `load.sh` runs. */
export interface Load {
  /** `host:port` of each broker, separated by commas. */
  bootstrap: string;
  cases: Case[];
  /** Whether to warm up first. */
  warmsUp: boolean;
  /** Whether to send only a tenth of the records. */
  isTrial: boolean;
  /** The directory on the host of the files with which clients connect. @default clients use PLAINTEXT */
  clientFiles?: string;
}

/** Returns `load.sh` with its inputs. */
export function loadScript({ bootstrap, cases, warmsUp, isTrial, clientFiles }: Load): string {
  const divisor = isTrial ? TRIAL : 1;
  const inputs = variables({
    BIN: `${KAFKA_HOME}/bin`,
    BOOTSTRAP: bootstrap,
    BROKER_COUNT: String(BROKERS.length),
    PARTITIONS: String(PARTITIONS),
    WARM_UP: String(warmsUp ? WARM_UP / divisor : 0),
    CASES: cases.map((one) => `${caseName(one)}:${recordsOf(one) / divisor}`).join(" "),
    CLIENT_FILES: clientFiles ?? "",
  });
  return inputs + readFileSync(join(__dirname, "load.sh"), "utf8");
}

function recordsOf({ size }: Case): number {
  const records = RECORDS[size];
  if (records === undefined) {
    throw new Error(
      `the size of a record must be ${Object.keys(RECORDS).join(" or ")} bytes; got ${size}`,
    );
  }
  return records;
}

/** Runs a command on a host of the lab, and returns what it prints. */
export const onHost = (host: string, input: string, command = "bash -s") =>
  bounded(["ssh", "-F", join(STATE, "ssh/local/config"), host, command], input);

/** Runs a command that may take as long as a load, and returns what it prints. */
export async function bounded(argv: string[], input: string): Promise<string> {
  return (await run(argv, { env: process.env, limitSeconds: 1200, input })).stdout;
}
