import { type Pins } from "../lib/archive-pins";
import { type Architecture } from "../lib/instance-types";
import { type Breach } from "./breach";
import { isObject, isScalar, parseJson, scalar } from "./values";

/** What a rule or a default may depend on. */
export interface Context {
  /** The value of another setting, or its default if it has a fault. */
  get<T>(setting: Setting<T>): T;
  pins: Pins;
  /** The architecture of this machine, which hosts of the local target have. */
  machine: Architecture;
}

/** Finds what is wrong with a value; undefined if nothing is. */
export type Check<T> = (value: T, context: Context) => Breach | undefined;

/** A rule for the value of a setting. */
export interface Rule<T> {
  /** The rule for the reference, as the rest of "It must ...". */
  text: string;
  check: Check<T>;
}

/** A default that depends on other settings. */
export class Computed<T> {
  constructor(
    /** The default for the reference. */
    readonly text: string,
    readonly value: (context: Context) => T,
  ) {}
}

/**
 * Notes a broken rule as a fault, and says whether the value is sound.
 *
 * @param at The name in the message; by default that of the setting.
 */
export type Judge = (breach: Breach | undefined, value: unknown, at?: string) => boolean;

/** What Pulumi.yaml can say for a default. */
type PulumiDefault = string | number | boolean | string[] | Record<string, never>;

/** One setting of the lab: all that its reader, Pulumi.yaml and the reference need. */
export interface Setting<T, N extends string = string> {
  name: N;
  /** Its type in Pulumi.yaml. */
  type: "string" | "integer" | "boolean" | "array" | "object";
  /** Its default in Pulumi.yaml; an empty one where {@link computed} says more. */
  default: PulumiDefault;
  computed?: string;
  /** The rest of "It must ...". */
  rule?: string;
  /** What it sets, in sentences. */
  text: string;
  /** What a change does to a lab that is up, in sentences. */
  change: string;
  example: unknown;
  /**
   * Its value from the text that Pulumi passes on. A value with a fault reads as the default, so
   * that one mistake is reported once.
   */
  read(raw: string | undefined, judge: Judge, context: Context): T;
}

/** What every definition of a setting has. */
interface Definition<N extends string> {
  name: N;
  text: string;
  change: string;
}

/** A setting whose value is one text, number, true or false. */
interface SingleDefinition<N extends string, T> extends Definition<N> {
  default: T | Computed<T>;
  example: T;
}

/** The value that a setting has if it is not given. */
function fallbackOf<T>(given: T | Computed<T>, context: Context): T {
  return given instanceof Computed ? given.value(context) : given;
}

/** A text. An empty text stands for the default. */
export function text<N extends string>(
  definition: SingleDefinition<N, string> & { rule: Rule<string> },
): Setting<string, N> {
  const { rule } = definition;
  return {
    ...described(definition, definition.default, ""),
    type: "string",
    rule: rule.text,
    example: definition.example,
    read: (raw = "", judge, context) => {
      const fallback = fallbackOf(definition.default, context);
      const value = raw === "" ? fallback : raw;
      return judge(rule.check(value, context), value) ? value : fallback;
    },
  };
}

/** One of a few words. An empty text stands for the default. */
export function choice<N extends string, T extends string>(
  definition: SingleDefinition<N, T> & {
    words: readonly T[];
    /** A further rule, which comes first. */
    also?: Rule<string>;
  },
): Setting<T, N> {
  const { words, also } = definition;
  const rule = `be one of ${words.join(", ")}`;
  return {
    ...described(definition, definition.default, ""),
    type: "string",
    rule: also === undefined ? rule : `${rule}, and ${also.text}`,
    example: definition.example,
    read: (raw = "", judge, context) => {
      const fallback = fallbackOf(definition.default, context);
      const value = raw === "" ? fallback : raw;
      const word = words.find((one) => one === value);
      const unknown = { rule, remedy: `Choose ${words.join(" or ")}` };
      const breach = also?.check(value, context) ?? (word === undefined ? unknown : undefined);
      return judge(breach, value) && word !== undefined ? word : fallback;
    },
  };
}

/** A whole number. */
export function integer<N extends string>(
  definition: SingleDefinition<N, number> & { default: number; rule: Rule<number> },
): Setting<number, N> {
  const { name, default: fallback, rule } = definition;
  return {
    ...described(definition, fallback, 0),
    type: "integer",
    rule: rule.text,
    example: definition.example,
    read: (raw, judge, context) => {
      if (raw !== undefined && !/^-?\d{1,9}$/.test(raw)) {
        judge({ rule: "be a whole number", remedy: setWith(name, fallback) }, raw);
        return fallback;
      }
      const value = raw === undefined ? fallback : Number(raw);
      return judge(rule.check(value, context), value) ? value : fallback;
    },
  };
}

/** True or false. */
export function boolean<N extends string>(
  definition: SingleDefinition<N, boolean> & { default: boolean },
): Setting<boolean, N> {
  const { name, default: fallback } = definition;
  return {
    ...described(definition, fallback, false),
    type: "boolean",
    example: definition.example,
    read: (raw, judge) => {
      if (raw === undefined || raw === "true" || raw === "false") {
        return raw === undefined ? fallback : raw === "true";
      }
      judge({ rule: "be true or false", remedy: setWith(name, fallback) }, raw);
      return fallback;
    },
  };
}

/** A list of texts. An empty list stands for the default. */
export function list<N extends string>(
  definition: SingleDefinition<N, string[]> & {
    /** The rule for each text. */
    each: Check<string>;
    /** The rule for the list, which is judged only if each text is sound. */
    rule: Rule<string[]>;
  },
): Setting<string[], N> {
  const { name, each, rule } = definition;
  return {
    ...described(definition, definition.default, []),
    type: "array",
    rule: rule.text,
    example: definition.example,
    read: (raw = "", judge, context) => {
      const fallback = fallbackOf(definition.default, context);
      const value = raw === "" ? [] : parseJson(raw);
      if (!Array.isArray(value) || !value.every((item) => typeof item === "string")) {
        const remedy = `Set it with: pulumi config set --path 'kafkalab:${name}[0]' VALUE`;
        judge({ rule: "be a list of texts", remedy }, raw);
        return fallback;
      }
      const items = value.length > 0 ? value : fallback;
      const sound = items.filter((item) => judge(each(item, context), item));
      if (sound.length < items.length) {
        return sound;
      }
      return judge(rule.check(items, context), items) ? items : fallback;
    },
  };
}

/** Texts by key. Numbers, true and false are texts, too. */
export function texts<N extends string>(
  definition: Definition<N> & {
    rule: {
      text: string;
      /** The rule for each key and its value, from all that are given and what they depend on. */
      each: (
        all: Record<string, string>,
        context: Context,
      ) => (pair: [string, string]) => Breach | undefined;
      /** The rule for all of them together, which is judged only if each one is sound. */
      together: Check<Record<string, string>>;
    };
    example: Record<string, string | number | boolean>;
  },
): Setting<Record<string, string>, N> {
  const { name, rule } = definition;
  return {
    ...described(definition, {}, {}),
    type: "object",
    rule: rule.text,
    example: definition.example,
    read: (raw = "", judge, context) => {
      const value = raw === "" ? {} : parseJson(raw);
      if (!isObject(value)) {
        const remedy = `Set it with: pulumi config set --path 'kafkalab:${name}["KEY"]' VALUE`;
        judge({ rule: "be values by key", remedy }, raw);
        return {};
      }
      const pairs = Object.entries(value);
      const badPair = rule.each(textsOf(pairs), context);
      const sound = pairs.filter(([key, item]) =>
        judge(scalar(item) ?? badPair([key, String(item)]), [
          key,
          isScalar(item) ? String(item) : item,
        ]),
      );
      const result = textsOf(sound);
      if (sound.length < pairs.length) {
        return result;
      }
      return judge(rule.together(result, context), result) ? result : {};
    },
  };
}

/** Objects by name, whose fields the definition itself reads. */
export function objects<N extends string, T>(
  definition: Definition<N> & {
    rule: string;
    example: Record<string, unknown>;
    items: (entries: [string, Record<string, unknown>][], judge: Judge, context: Context) => T[];
  },
): Setting<T[], N> {
  const { name } = definition;
  return {
    ...described(definition, {}, {}),
    type: "object",
    rule: definition.rule,
    example: definition.example,
    read: (raw = "", judge, context) => {
      const value = raw === "" ? {} : parseJson(raw);
      const entries = isObject(value) ? Object.entries(value) : undefined;
      if (entries === undefined || !entries.every(isNamedObject)) {
        const remedy = `Set it with: pulumi config set --path kafkalab:${name}.NAME.FIELD VALUE`;
        judge({ rule: "be objects by name", remedy }, raw);
        return [];
      }
      return definition.items(entries, judge, context);
    },
  };
}

function isNamedObject(entry: [string, unknown]): entry is [string, Record<string, unknown>] {
  return isObject(entry[1]);
}

/** The scalars of an object as texts. */
function textsOf(pairs: [string, unknown][]): Record<string, string> {
  return Object.fromEntries(
    pairs.flatMap(([key, item]) => (isScalar(item) ? [[key, String(item)]] : [])),
  );
}

/** The part of a setting that only the reference and Pulumi.yaml read. */
function described<N extends string>(
  { name, text, change }: Definition<N>,
  given: PulumiDefault | Computed<unknown>,
  empty: PulumiDefault,
) {
  return given instanceof Computed
    ? { name, text, change, default: empty, computed: given.text }
    : { name, text, change, default: given };
}

function setWith(name: string, value: unknown): string {
  return `Set it with: pulumi config set kafkalab:${name} ${String(value)}`;
}
