import type { Record, State } from "../machine/store";
import type { Values } from "./values";

/** What one input property of a resource type may be. */
export interface Property {
  type: "string" | "number" | "boolean" | "strings" | "map" | "object" | "objects";
  required?: boolean;
  /** AWS chooses a value where none is given, so its absence changes nothing. */
  computed?: boolean;
  /** AWS cannot change it: a new value makes a new resource; it may depend on the other inputs. */
  replace?: boolean | ((inputs: Values) => boolean);
  /** What AWS takes where none is given. */
  default?: unknown;
  /** Allowed values. */
  oneOf?: readonly string[];
  /** The properties of an object, or of each of several. */
  fields?: Schema;
  /** A list whose order means nothing. */
  unordered?: boolean;
  /** Says what is wrong with a value of the right type. */
  check?: (value: never) => string | undefined;
}

export interface Schema {
  [name: string]: Property;
}

/** An error of the AWS service: its code and its words. */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/**
 * One resource type: what it takes, what AWS refuses, and what it means for the kernel.
 *
 * `refuse`, `choose` and `attributes` only look at records; they run while no other process changes
 * them. The rest works on the kernel, can be cut off at any point, and is then done again.
 */
export interface ResourceType {
  token: string;
  /** As in AWS's messages: "EC2 VPC". */
  name: string;
  /** As in AWS's messages: "EC2". */
  service: "EC2" | "Route 53";
  /** The API operations: "CreateVpc", "DeleteVpc"; for updates the creating one is named. */
  operations: { create: string; delete: string };
  schema: Schema;

  /** Rules over several properties that need no look at other resources; one message each. */
  checkTogether?(inputs: Values): { property: string; reason: string }[];
  /** What is wrong with a new resource that only a look at the machine tells. It must be quick. */
  checkMachine?(inputs: Values): Promise<{ property: string; reason: string }[]>;
  /** The property that the provider fills with a name, made of the logical one, where none is given. */
  autoNamed?: string;

  newId(inputs: Values): string;
  /** The key of its record, where the id is another resource's. @default the id */
  keyOf?(id: string): string;
  /** What must be found out before the records are locked. */
  lookAround?(inputs: Values): Promise<Values>;
  /** Throws an {@link ApiError} if AWS would refuse this. `self` is the record on an update. */
  refuse?(inputs: Values, state: State, around: Values, self?: Record): void;
  /** What AWS chooses: addresses and the like. */
  choose?(inputs: Values, state: State, around: Values): Values;
  /** What AWS chooses anew when the resource changes. `self` is the record as it was. */
  rechoose?(inputs: Values, self: Record): Values;
  /** Properties that are not inputs. */
  attributes(record: Record, state: State): Values;

  /** Brings the kernel to what the record says. */
  apply?(record: Record): Promise<void>;
  /** As {@link apply}, for a changed record. @default apply */
  update?(record: Record, before: Record): Promise<void>;
  /** Whether the kernel still has what {@link apply} made. @default true */
  isWhole?(record: Record): Promise<boolean> | boolean;
  /** Whether the resource itself is still there. @default true */
  exists?(record: Record): boolean;
  /** The resources that use it; while there are any, AWS refuses to delete it. */
  usedBy?(record: Record, state: State): Record[];
  /** The error for that. @default DependencyViolation */
  inUse?(record: Record, users: Record[]): ApiError;
  /** Removes what the kernel has of it. */
  remove?(record: Record): Promise<void>;
  /** Records that go with it, such as an instance's attachments. */
  takesAlong?(record: Record, state: State): Record[];
  /** After the record is gone. */
  afterRemoval?(record: Record): Promise<void>;
}
