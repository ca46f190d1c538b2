import { isLosslessNumber, LosslessNumber, parse, stringify } from "lossless-json";

/** A broken rule: what the value must do, and what to do about it. */
export interface Breach {
  rule: string;
  remedy: string;
}

/** A rule for one value: `undefined` if it is kept. */
export type Rule<T> = (value: T) => Breach | undefined;

const NAMESPACE = "kafkalab:";

/**
 * Reads settings from their texts and collects every fault on the way. A setting with a fault
 * reads as its default, so that one mistake is reported once.
 */
export class SettingReader {
  /** One sentence a fault. */
  readonly faults: string[] = [];
  private readonly raw = new Map<string, string>();

  constructor(
    raw: Record<string, string>,
    private readonly known: string[],
  ) {
    for (const [key, value] of Object.entries(raw)) {
      if (key.startsWith(NAMESPACE)) {
        this.raw.set(key.slice(NAMESPACE.length), value);
      }
    }
  }

  /** A text; an empty one is as good as none. */
  text(name: string, fallback: string, rule: Rule<string>): string {
    const value = this.raw.get(name) ?? "";
    return value === ""
      ? this.fallback(name, fallback, rule)
      : this.checked(name, value, fallback, rule);
  }

  /** A whole number. */
  integer(name: string, fallback: number, rule: Rule<number>): number {
    const text = this.raw.get(name);
    if (text === undefined) {
      return this.fallback(name, fallback, rule);
    }
    if (!/^-?\d{1,9}$/.test(text)) {
      this.fault(
        name,
        "be a whole number",
        text,
        `Set it with: pulumi config set ${NAMESPACE}${name} ${fallback}`,
      );
      return fallback;
    }
    return this.checked(name, Number(text), fallback, rule);
  }

  /** Yes or no. */
  boolean(name: string, fallback: boolean): boolean {
    const text = this.raw.get(name);
    if (text === undefined || text === "true" || text === "false") {
      return text === undefined ? fallback : text === "true";
    }
    this.fault(
      name,
      "be true or false",
      text,
      `Set it with: pulumi config set ${NAMESPACE}${name} ${fallback}`,
    );
    return fallback;
  }

  /** A list of texts, each under one rule, and the list as a whole under another. */
  list(name: string, fallback: string[], each: Rule<string>, whole: Rule<string[]>): string[] {
    const text = this.raw.get(name);
    const value = text === undefined || text === "" ? [] : parseJson(text);
    if (!Array.isArray(value) || !value.every((item) => typeof item === "string")) {
      const remedy = `Set it with: pulumi config set --path 'kafkalab:${name}[0]' VALUE`;
      this.fault(name, "be a list of texts", text ?? "", remedy);
      return fallback;
    }
    const items = value.length > 0 ? value : fallback;
    const sound = items.filter((item) => this.keeps(name, item, each));
    // The list as a whole is judged only if its parts are sound: one mistake, one message.
    return sound.length === items.length ? this.checked(name, items, fallback, whole) : sound;
  }

  /** Objects by name; their fields are for the caller to judge. */
  objects(name: string): [string, Record<string, unknown>][] {
    const text = this.raw.get(name);
    const value = text === undefined || text === "" ? {} : parseJson(text);
    if (!isObject(value) || !Object.values(value).every(isObject)) {
      const remedy = `Set it with: pulumi config set --path kafkalab:${name}.NAME.FIELD VALUE`;
      this.fault(name, "be objects by name", text ?? "", remedy);
      return [];
    }
    return Object.entries(value as Record<string, Record<string, unknown>>);
  }

  /** Texts by key, each pair under one rule. Numbers and flags are texts, too. */
  texts(
    name: string,
    rule: Rule<[string, string]>,
    whole: Rule<Record<string, string>> = () => undefined,
  ): Record<string, string> {
    const text = this.raw.get(name);
    const value = text === undefined || text === "" ? {} : parseJson(text);
    const example = `pulumi config set --path '${NAMESPACE}${name}["KEY"]' VALUE`;
    if (!isObject(value)) {
      this.fault(name, "be values by key", text ?? "", `Set it with: ${example}`);
      return {};
    }
    const pairs = Object.entries(value);
    const sound = pairs.filter(([key, item]) => {
      const breach = scalar(item) ?? rule([key, String(item)]);
      if (breach !== undefined) {
        this.fault(name, breach.rule, [key, isScalar(item) ? String(item) : item], breach.remedy);
      }
      return breach === undefined;
    });
    const texts = Object.fromEntries(sound.map(([key, item]) => [key, String(item)]));
    // All of them together are judged only if each of them is sound.
    return sound.length === pairs.length ? this.checked(name, texts, {}, whole) : texts;
  }

  /** Finds settings that do not exist. */
  checkNames(): void {
    for (const name of this.raw.keys()) {
      if (!this.known.includes(name)) {
        const near = nearest(name, this.known);
        const remedy = near === undefined ? "" : `Did you mean kafkalab:${near}? `;
        this.faults.push(
          `Setting "${NAMESPACE}${name}": its name must be that of a setting; got "${name}". ` +
            `${remedy}Remove it with: pulumi config rm kafkalab:${name}.`,
        );
      }
    }
  }

  /** Notes a fault of a setting. */
  fault(name: string, rule: string, value: unknown, remedy: string): void {
    this.faults.push(
      `Setting "${NAMESPACE}${name}": it must ${rule}; got ${show(value)}. ${remedy}.`,
    );
  }

  private fallback<T>(name: string, value: T, rule: Rule<T>): T {
    this.keeps(name, value, rule);
    return value;
  }

  private checked<T>(name: string, value: T, fallback: T, rule: Rule<T>): T {
    return this.keeps(name, value, rule) ? value : fallback;
  }

  private keeps<T>(name: string, value: T, rule: Rule<T>): boolean {
    const breach = rule(value);
    if (breach !== undefined) {
      this.fault(name, breach.rule, value, breach.remedy);
    }
    return breach === undefined;
  }
}

/** The known name that a misspelt one is closest to, if any is close. */
export function nearest(name: string, known: string[]): string | undefined {
  const [best] = known
    .map((candidate) => ({
      candidate,
      steps: distance(name.toLowerCase(), candidate.toLowerCase()),
    }))
    .sort((a, b) => a.steps - b.steps);
  return best !== undefined && best.steps <= Math.max(2, name.length / 3)
    ? best.candidate
    : undefined;
}

/** How many letters must be put in, left out or changed to make one text of the other. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const change = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}

/**
 * Refuses what is no text, number, true or false, and what has not reached the program as it was
 * written. The text of everything else is `String(value)`: of a number its digits.
 */
export function scalar(value: unknown): Breach | undefined {
  const remedy = "Write the value in quotes";
  if (!isScalar(value)) {
    return {
      rule: "hold a text, a number, true or false for each key",
      remedy: "Write a key with dots in quotes, and give it a value or leave it out",
    };
  }
  if (typeof value === "string") {
    return GO_TIME.test(value)
      ? { rule: "hold no dates without quotes, which Pulumi rewrites", remedy }
      : undefined;
  }
  return typeof value === "boolean" || isExact(String(value))
    ? undefined
    : { rule: "hold numbers of at most 64 bits, since Pulumi rounds larger ones", remedy };
}

function isScalar(value: unknown): value is string | number | boolean | LosslessNumber {
  return ["string", "number", "boolean"].includes(typeof value) || isLosslessNumber(value);
}

/** How Pulumi passes on a date of YAML. */
const GO_TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? [+-]\d{4} \S+$/;

/** Whether Pulumi has passed on a number as it was written: it keeps whole numbers of 64 bits. */
function isExact(digits: string): boolean {
  if (!/^-?\d+$/.test(digits)) {
    return Math.abs(Number(digits)) < 2 ** 53;
  }
  return BigInt.asIntN(64, BigInt(digits)) === BigInt(digits);
}

function show(value: unknown): string {
  return Array.isArray(value) && value.length === 0 ? "none" : (stringify(value) ?? "none");
}

/** A number that JavaScript would round stays a text of digits, in an object of its own. */
function parseJson(text: string): unknown {
  try {
    return parse(text, undefined, {
      parseNumber: (digits) =>
        String(Number(digits)) === digits ? Number(digits) : new LosslessNumber(digits),
    });
  } catch {
    return undefined;
  }
}

/** Whether a value of JSON is an object, and no list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !isLosslessNumber(value)
  );
}
