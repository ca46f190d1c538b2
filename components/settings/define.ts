import { type Pins } from "../lib/archive-pins";
import { type Architecture } from "../lib/instance-types";
import { type Breach } from "./breach";
import { isObject, isScalar, parseJson, scalar } from "./values";

/** The facts that a rule or a default may depend on. */
export interface Context {
  /** The value of another setting, or its default if the value is invalid. */
  get<T>(setting: Setting<T>): T;
  /** All settings of the lab. */
  settings: readonly Setting<unknown>[];
  pins: Pins;
  /** The architecture of this machine. Hosts of the local target have the same. */
  machine: Architecture;
}

/** Returns the rule that a value breaks; undefined if the value is valid. */
export type Check<T> = (value: T, context: Context) => Breach | undefined;

/** A rule for the value of a setting. */
export interface Rule<T> {
  /** The text for the reference: the rest of "It must ...". */
  text: string;
  check: Check<T>;
}

/** A default that depends on other settings. */
export class Computed<T> {
  constructor(
    /** Describes the default in the reference. */
    readonly text: string,
    readonly value: (context: Context) => T,
  ) {}
}

/**
 * Records a broken rule as a fault. Returns whether the value is valid.
 *
 * @param at The name in the message. @default the name of the setting
 */
export type Judge = (breach: Breach | undefined, value: unknown, at?: string) => boolean;

/** A default that Pulumi.yaml can express. */
type PulumiDefault = string | number | boolean | string[] | Record<string, never>;

/**
 * The configuration key of a setting that sets exactly one key. The lab writes the value into the file,
 * and rejects the key in `brokerConfig` or `zookeeperConfig`. No host checks the value, so the rule of the
 * setting must allow only values that every pinned release accepts.
 */
export interface FileKey {
  /** The key of every broker's `server.properties`. */
  brokerKey?: string;
  /** The key of `zoo.cfg`. */
  zookeeperKey?: string;
}

/** One setting of the lab, with the data for its reader, for Pulumi.yaml and for the reference. */
export interface Setting<T, N extends string = string> extends FileKey {
  name: N;
  /** Its type in Pulumi.yaml. A setting of `any` type has none there, and its default is its value. */
  type: "string" | "integer" | "boolean" | "array" | "object" | "any";
  /** The type of the items of an array in Pulumi.yaml. */
  items?: "string" | "object";
  /** Its default in Pulumi.yaml. Empty if {@link computed} describes the default. */
  default: PulumiDefault;
  computed?: string;
  /** The rest of "It must ...". */
  rule?: string;
  /** Describes the setting, in full sentences. */
  text: string;
  /** Describes the effect of a change on an existing lab, in full sentences. */
  change: string;
  example: unknown;
  /** Whether users must set it as a secret, so that a stack's file has it encrypted. */
  isSecret?: true;
  /**
   * Parses the text from Pulumi. Returns the default for an invalid value, so that one mistake causes only
   * one error message.
   */
  read(raw: string | undefined, judge: Judge, context: Context): T;
}

/** The common part of every definition. */
export interface Definition<N extends string> {
  name: N;
  text: string;
  change: string;
}

/** A setting with its own default. */
interface DefinitionWithDefault<N extends string, T> extends Definition<N> {
  default: T | Computed<T>;
  example: T;
}

/** A setting with a single string, number or boolean, which one line of a file can hold. */
interface SingleDefinition<N extends string, T> extends DefinitionWithDefault<N, T>, FileKey {}

/** Returns the value of a setting that the user did not set. */
function fallbackOf<T>(given: T | Computed<T>, context: Context): T {
  return given instanceof Computed ? given.value(context) : given;
}

/** A string. An empty string means the default. */
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

/** One of several words. An empty string means the default. */
export function choice<N extends string, T extends string>(
  definition: SingleDefinition<N, T> & {
    words: readonly T[];
    /** An additional rule, checked first. */
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

/** An integer. Accepts all that a number holds exactly; the rule judges the value. */
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
      const fault = raw === undefined ? undefined : badInteger(raw);
      if (fault !== undefined) {
        judge({ rule: fault, remedy: setWith(name, fallback) }, raw);
        return fallback;
      }
      const value = raw === undefined ? fallback : Number(raw);
      return judge(rule.check(value, context), value) ? value : fallback;
    },
  };
}

/** Returns the rule that a text breaks as an integer; undefined if a number holds it exactly. */
function badInteger(raw: string): string | undefined {
  if (!/^-?\d+$/.test(raw)) {
    return "be a whole number";
  }
  return Number.isSafeInteger(Number(raw))
    ? undefined
    : `be from ${Number.MIN_SAFE_INTEGER} to ${Number.MAX_SAFE_INTEGER}`;
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

/** A list of strings. An empty list means the default. */
export function list<N extends string>(
  definition: DefinitionWithDefault<N, string[]> & {
    /** The rule for each string. */
    each: Check<string>;
    /** The rule for the list, checked only if every string is valid. */
    rule: Rule<string[]>;
  },
): Setting<string[], N> {
  const { name, each, rule } = definition;
  return {
    ...described(definition, definition.default, []),
    type: "array",
    items: "string",
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

/** Strings by key. Numbers and booleans are converted to strings. */
export function texts<N extends string>(
  definition: Definition<N> & {
    rule: {
      text: string;
      /** Returns the rule for each key and value. It may depend on all pairs and on other settings. */
      each: (
        all: Record<string, string>,
        context: Context,
      ) => (pair: [string, string]) => Breach | undefined;
      /** The rule for all pairs together, checked only if every pair is valid. */
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

/** Objects by name. The definition itself reads their fields. */
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

/** A word, or an object. The definition itself reads it. */
export function wordOrObject<N extends string, T>(
  definition: Definition<N> & {
    rule: string;
    default: string | Record<string, never>;
    example: unknown;
    /** Reads a word, or the object of a JSON text. */
    read: (value: unknown, judge: Judge, context: Context) => T;
  },
): Setting<T, N> {
  const { default: fallback, rule, example, read } = definition;
  return {
    ...described(definition, fallback, ""),
    type: typeof fallback === "string" ? "any" : "object",
    rule,
    example,
    read: (raw = "", judge, context) =>
      read(raw === "" ? fallback : (parseJson(raw) ?? raw), judge, context),
  };
}

/** Objects in a list. The definition itself reads their fields. */
export function records<N extends string, T>(
  definition: Definition<N> & {
    rule: {
      text: string;
      /** The rule for all objects together, checked only if every object is valid. */
      together: Check<T[]>;
    };
    example: Record<string, unknown>[];
    items: (entries: Record<string, unknown>[], judge: Judge, context: Context) => T[];
  },
): Setting<T[], N> {
  const { name, rule } = definition;
  return {
    ...described(definition, [], []),
    type: "array",
    items: "object",
    rule: rule.text,
    example: definition.example,
    read: (raw = "", judge, context) => {
      const value = raw === "" ? [] : parseJson(raw);
      if (!Array.isArray(value) || !value.every(isObject)) {
        const remedy = `Set it with: pulumi config set --path 'kafkalab:${name}[0].FIELD' VALUE`;
        judge({ rule: "be a list of objects", remedy }, raw);
        return [];
      }
      let isSound = true;
      const judgeItem: Judge = (...fault) => {
        const isValid = judge(...fault);
        isSound &&= isValid;
        return isValid;
      };
      const items = definition.items(value, judgeItem, context);
      return !isSound || judge(rule.together(items, context), items) ? items : [];
    },
  };
}

function isNamedObject(entry: [string, unknown]): entry is [string, Record<string, unknown>] {
  return isObject(entry[1]);
}

/** Converts the scalars of an object to strings. */
export function textsOf(pairs: [string, unknown][]): Record<string, string> {
  return Object.fromEntries(
    pairs.flatMap(([key, item]) => (isScalar(item) ? [[key, String(item)]] : [])),
  );
}

/** Returns the part of a setting that comes directly from its definition. */
export function described<N extends string>(
  { name, text, change, brokerKey, zookeeperKey }: Definition<N> & FileKey,
  given: PulumiDefault | Computed<unknown>,
  empty: PulumiDefault,
) {
  const description = { name, text, change, brokerKey, zookeeperKey };
  return given instanceof Computed
    ? { ...description, default: empty, computed: given.text }
    : { ...description, default: given };
}

function setWith(name: string, value: unknown): string {
  return `Set it with: pulumi config set kafkalab:${name} ${String(value)}`;
}
