import * as z from "zod";
import type { StoredResource } from "../machine/store";

/** The facts about a property that diff needs besides its type and default. */
export interface PropertyRules {
  /** AWS chooses a value if the program sets none, so an omitted property is not a change. */
  computed?: true;
  /**
   * AWS cannot change the property: a new value replaces the resource. If this is the name of a boolean
   * property, a new value replaces the resource only while that property is true.
   */
  replaces?: true | string;
  /** A list whose order does not matter. */
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

/** An optional property. AWS chooses the value if the program sets none. */
export function computed<S extends z.ZodType>(property: S): z.ZodOptional<S> {
  return withRules(property.optional(), { ...rulesOf(property), computed: true });
}

/** A property whose change replaces the resource. */
export const replaces = <S extends z.ZodType>(property: S): S =>
  withRules(property, { replaces: true });

/** Like {@link replaces}, but only while the boolean property `name` is true. */
export const replacesIf = <S extends z.ZodType>(name: string, property: S): S =>
  withRules(property, { replaces: name });

/** A list whose order does not matter. */
export const unordered = <S extends z.ZodType>(property: S): S =>
  withRules(property, { unordered: true });

/**
 * The data of a resource type: its Pulumi token, its input properties and the values that the cloud
 * chooses. It determines the types of the records, the input checks and the comparison of inputs.
 */
export interface Kind<Inputs = unknown, Chosen = unknown> {
  /** Pulumi's type token, for example `aws:ec2/vpc:Vpc`. */
  readonly token: string;
  readonly inputs: InputsSchema;
  /** AWS's error for an unknown id, if other resources refer to this type by id. */
  readonly notFound?: NotFound;
  /** Carries only the types of the records. It never has a value. */
  readonly record?: StoredResource<Inputs, Chosen>;
}

/** The schema of a kind's inputs. */
export type InputsSchema = z.ZodObject<{ [name: string]: z.ZodType }>;

/** The code of AWS's error, and the name of the id in its message, for example `vpc ID`. */
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

/** Creates a kind from the schemas of its properties. */
export function kind<Inputs extends Shape, Chosen extends Shape>({
  token,
  inputs,
  notFound,
}: Definition<Inputs, Chosen>): Kind<z.input<z.ZodObject<Inputs>>, z.input<z.ZodObject<Chosen>>> {
  return { token, inputs: z.strictObject(inputs), ...(notFound && { notFound }) };
}
