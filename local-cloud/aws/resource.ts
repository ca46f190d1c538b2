import type { State, StoredResource } from "../machine/store";
import type { ApiError } from "./api-error";
import type { Kind } from "./kind";
import type { Values } from "./values";

/** What is wrong with one input property. */
export interface Failure {
  property: string;
  reason: string;
}

/** Inputs before the resource is made: a text may stand for a value that is not known yet. */
export type Checked<Inputs> = { [Name in keyof Inputs]: Inputs[Name] | string };

/**
 * What AWS says about a resource type and how the local cloud brings it about.
 *
 * `refuse`, `choose` and `attributes` only look at records; they run while no other process changes
 * them. `apply`, `update` and the removal act on the machine. A crash may interrupt these at any point,
 * and the next run then repeats them.
 */
export interface Behaviour<Inputs, Chosen, Around = undefined> {
  /** As in AWS's messages: "EC2 VPC". */
  name: string;
  /** As in AWS's messages: "EC2". */
  service: "EC2" | "Route 53";
  /** The API operations: "CreateVpc", "DeleteVpc". Messages about updates name the creating one. */
  operations: { create: string; delete: string };

  /** Rules over several properties that need no look at other resources; one message each. */
  checkTogether?(inputs: Checked<Inputs>): Failure[];
  /** What a look at the machine finds wrong with a new resource. It must be quick. */
  checkMachine?(inputs: Checked<Inputs>): Promise<Failure[]>;
  /** The property that the provider fills with a name, made from the logical name, by default. */
  autoNamed?: string;

  newId(inputs: Inputs): string;
  /** The key of its record, if another resource has the same id. @default the id */
  keyOf?(id: string): string;
  /** Finds out what `refuse` and `choose` need, before the records are locked. */
  lookAround?(inputs: Inputs): Promise<Around>;
  /** Throws an {@link ApiError} if AWS would refuse this. `self` is the record on an update. */
  refuse?(
    inputs: Inputs,
    state: State,
    around: Around,
    self?: StoredResource<Inputs, Chosen>,
  ): void;
  /** What AWS chooses: addresses and the like. @default nothing */
  choose?(inputs: Inputs, state: State, around: Around): Chosen;
  /** What AWS chooses again when the resource changes. `self` is the record as it was. */
  rechoose?(inputs: Inputs, self: StoredResource<Inputs, Chosen>): Partial<Chosen>;
  /** Properties that are not inputs. */
  attributes(record: StoredResource<Inputs, Chosen>, state: State): Values;

  /** Brings the machine to what the record says. */
  apply?(record: StoredResource<Inputs, Chosen>): Promise<void>;
  /** As {@link apply}, for a changed record. @default apply */
  update?(
    record: StoredResource<Inputs, Chosen>,
    before: StoredResource<Inputs, Chosen>,
  ): Promise<void>;
  /** Whether the machine still has what {@link apply} made. @default true */
  isWhole?(record: StoredResource<Inputs, Chosen>): Promise<boolean> | boolean;
  /** Whether the resource itself is still there. @default true */
  exists?(record: StoredResource<Inputs, Chosen>): boolean;
  /** The resources that use it; while there are any, AWS refuses to delete it. */
  usedBy?(record: StoredResource<Inputs, Chosen>, state: State): StoredResource[];
  /** The error for that. @default DependencyViolation */
  inUse?(record: StoredResource<Inputs, Chosen>, users: StoredResource[]): ApiError;
  /** Removes what the machine has of it. */
  remove?(record: StoredResource<Inputs, Chosen>): Promise<void>;
  /** Records that go with it, such as the attachments of an instance. */
  takesAlong?(record: StoredResource<Inputs, Chosen>, state: State): StoredResource[];
  /** What to do after the record is gone. */
  afterRemoval?(record: StoredResource<Inputs, Chosen>): Promise<void>;
}

/** A resource type as the provider handles all of them, whatever their data. */
export interface ResourceType extends Behaviour<Values, Values, unknown> {
  kind: Kind<Values, Values>;
}

/**
 * Makes a resource type. The provider hands every resource only to its own type, and only after the
 * check by the kind's schema, so each method gets what its kind declares.
 */
export function resourceType<Inputs extends Values, Chosen extends Values, Around>(
  kind: Kind<Inputs, Chosen>,
  behaviour: Behaviour<NoInfer<Inputs>, NoInfer<Chosen>, Around>,
): ResourceType {
  return { ...behaviour, kind };
}
