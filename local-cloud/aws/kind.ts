import * as z from "zod";
import type { StoredResource } from "../machine/store";

/** What diff must know about a property, besides its type and its default. */
export interface PropertyRules {
  /** AWS chooses a value if the program gives none, so leaving the property out changes nothing. */
  computed?: true;
  /**
   * AWS cannot change the property: a new value makes a new resource. A name means: only while the
   * boolean property of that name is true.
   */
  replaces?: true | string;
  /** A list whose order means nothing. */
  unordered?: true;
}

const rules = z.registry<PropertyRules>();

/** The rules of a property. @default none */
export const rulesOf = (property: z.core.$ZodType): PropertyRules => rules.get(property) ?? {};

function withRules<S extends z.ZodType>(property: S, added: PropertyRules): S {
  const copy = property.clone();
  rules.add(copy, { ...rulesOf(property), ...added });
  return copy;
}

/** An optional property whose value AWS chooses if the program gives none. */
export function computed<S extends z.ZodType>(property: S): z.ZodOptional<S> {
  return withRules(property.optional(), { ...rulesOf(property), computed: true });
}

/** A property whose change makes a new resource. */
export const replaces = <S extends z.ZodType>(property: S): S =>
  withRules(property, { replaces: true });

/** As {@link replaces}, but only while the boolean property of that name is true. */
export const replacesIf = <S extends z.ZodType>(name: string, property: S): S =>
  withRules(property, { replaces: name });

/** A list whose order means nothing. */
export const unordered = <S extends z.ZodType>(property: S): S =>
  withRules(property, { unordered: true });

/**
 * The data of a resource type: its name in Pulumi, its input properties and what the cloud chooses. The
 * types of its records, the checks of its inputs and the comparison of old and new inputs come from here.
 */
export interface Kind<Inputs = unknown, Chosen = unknown> {
  /** Pulumi's type token, such as `aws:ec2/vpc:Vpc`. */
  readonly token: string;
  readonly inputs: InputsSchema;
  /** AWS's error for an id that does not exist, if other resources name this one. */
  readonly notFound?: NotFound;
  /** Carries the types of the records. No value is ever there. */
  readonly record?: StoredResource<Inputs, Chosen>;
}

/** The schema of the inputs of any kind. */
export type InputsSchema = z.ZodObject<{ [name: string]: z.ZodType }>;

/** The code of AWS's error and what its message calls the id, such as `vpc ID`. */
export interface NotFound {
  code: string;
  what: string;
}

/** The inputs of a kind. */
export type InputsOf<K extends Kind> = NonNullable<K["record"]>["inputs"];

/** A record of a kind. */
export type RecordOf<K extends Kind> = NonNullable<K["record"]>;

interface Shape {
  readonly [name: string]: z.ZodType;
}

interface Definition<Inputs extends Shape, Chosen extends Shape> {
  token: string;
  inputs: Inputs;
  /** Addresses, slots and other values that the cloud chooses for a resource. */
  chosen: Chosen;
  notFound?: NotFound;
}

/** Makes a kind out of the schemas of its properties. */
export function kind<Inputs extends Shape, Chosen extends Shape>({
  token,
  inputs,
  notFound,
}: Definition<Inputs, Chosen>): Kind<z.input<z.ZodObject<Inputs>>, z.input<z.ZodObject<Chosen>>> {
  return { token, inputs: z.strictObject(inputs), ...(notFound && { notFound }) };
}
