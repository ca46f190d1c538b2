/** The arguments of `npm run bench`. */
export interface Arguments {
  parts: string[];
  write: boolean;
  /** Whether to write only the page, from the stored results. */
  page: boolean;
  json: boolean;
  timeline: boolean;
  /** Whether to measure with few records, only to see that a part works. */
  trial: boolean;
  rounds: number;
}

const FLAGS = ["--write", "--page", "--json", "--timeline", "--trial"];

/** Reads the command line. Throws an error with the valid arguments if it is invalid. */
export function readArguments(argv: string[], known: string[], runs = "3"): Arguments {
  const flags = argv.filter((argument) => argument.startsWith("-"));
  const named = argv.filter((argument) => !argument.startsWith("-"));
  for (const flag of flags) {
    if (!FLAGS.includes(flag)) {
      throw new Error(`bench knows ${FLAGS.join(", ")}; got ${flag}`);
    }
  }
  for (const name of named) {
    if (name !== "all" && !known.includes(name)) {
      throw new Error(`bench has the parts ${known.join(", ")} (or all); got ${name}`);
    }
  }
  if (flags.includes("--write") && flags.includes("--trial")) {
    throw new Error(
      "--write keeps values, and those of --trial must not be kept; leave out one of them",
    );
  }
  const rounds = Number(runs);
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new Error(`RUNS must be a whole number, 1 or more; got ${runs}`);
  }
  const wanted = named.length === 0 ? ["lab"] : named;
  return {
    parts: known.filter((name) => wanted.includes("all") || wanted.includes(name)),
    write: flags.includes("--write"),
    page: flags.includes("--page"),
    json: flags.includes("--json"),
    timeline: flags.includes("--timeline"),
    trial: flags.includes("--trial"),
    rounds,
  };
}
