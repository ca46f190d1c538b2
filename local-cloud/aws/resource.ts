import type { State, StoredResource } from "../machine/store";
import type { ApiError } from "./api-error";
import type { Kind } from "./kind";
import type { Values } from "./values";

/** An error in one input property. */
export interface Failure {
  property: string;
  reason: string;
}

/** Inputs before the resource exists. A string may be a placeholder for a value that is not known yet. */
export type Checked<Inputs> = { [Name in keyof Inputs]: Inputs[Name] | string };

/**
 * The behaviour of a resource type: AWS's rules and their implementation in the local cloud.
 *
 * `refuse`, `choose` and `attributes` only read records. They run under the lock of the state. `apply`,
 * `update` and `remove` change the machine. A crash may interrupt them at any point. The next run then
 * repeats them.
 */
export interface Behaviour<Inputs, Chosen, Around = undefined> {
  /** Name in AWS's messages: "EC2 VPC". */
  name: string;
  /** Service in AWS's messages: "EC2". */
  service: "EC2" | "Route 53";
  /** The API operations: "CreateVpc", "DeleteVpc". Messages about updates use `create`. */
  operations: { create: string; delete: string };

  /** Checks rules between several properties that need no other resource. One message for each rule. */
  checkTogether?(inputs: Checked<Inputs>): Failure[];
  /** Checks whether the machine can have the new resource. It must be fast. */
  checkMachine?(inputs: Checked<Inputs>): Promise<Failure[]>;
  /** The property that gets a name generated from the logical name by default. */
  autoNamed?: string;

  newId(inputs: Inputs): string;
  /** The key of its record, if another resource has the same id. @default the id */
  keyOf?(id: string): string;
  /** Gathers data for `refuse` and `choose` before the state is locked. */
  lookAround?(inputs: Inputs): Promise<Around>;
  /** Throws an {@link ApiError} if AWS would reject the inputs. `self` is the record in an update. */
  refuse?(
    inputs: Inputs,
    state: State,
    around: Around,
    self?: StoredResource<Inputs, Chosen>,
  ): void;
  /** Returns the values that AWS chooses, such as addresses. @default nothing */
  choose?(inputs: Inputs, state: State, around: Around): Chosen;
  /** Returns the values that AWS chooses again in an update. `self` is the former record. */
  rechoose?(inputs: Inputs, self: StoredResource<Inputs, Chosen>): Partial<Chosen>;
  /** Changes the records of other resources in the same step that creates this one. */
  displace?(record: StoredResource<Inputs, Chosen>, state: State): void;
  /** Returns the properties that are not inputs. */
  attributes(record: StoredResource<Inputs, Chosen>, state: State): Values;

  /** Changes the machine until it matches the record. */
  apply?(record: StoredResource<Inputs, Chosen>): Promise<void>;
  /** Like {@link apply}, for a changed record. @default apply */
  update?(
    record: StoredResource<Inputs, Chosen>,
    before: StoredResource<Inputs, Chosen>,
  ): Promise<void>;
  /** Whether the machine still matches the record. @default true */
  isWhole?(record: StoredResource<Inputs, Chosen>): Promise<boolean> | boolean;
  /** Whether the resource itself still exists. @default true */
  exists?(record: StoredResource<Inputs, Chosen>): boolean;
  /**
   * The resources that AWS's provider deletes before this one.
   *
   * @param known The properties of this resource in Pulumi's state.
   */
  deletesFirst?(
    record: StoredResource<Inputs, Chosen>,
    state: State,
    known: Values,
  ): StoredResource[];
  /** The resources that use it. AWS does not delete it while there are any. */
  usedBy?(record: StoredResource<Inputs, Chosen>, state: State): StoredResource[];
  /** AWS's error for a deletion while it is in use. @default DependencyViolation */
  inUse?(record: StoredResource<Inputs, Chosen>, users: StoredResource[]): ApiError;
  /** Removes it from the machine. */
  remove?(record: StoredResource<Inputs, Chosen>): Promise<void>;
  /** Records that are removed together with it, such as the attachments of an instance. */
  takesAlong?(record: StoredResource<Inputs, Chosen>, state: State): StoredResource[];
  /** Runs after the record is removed. */
  afterRemoval?(record: StoredResource<Inputs, Chosen>): Promise<void>;
}

/** A resource type for the provider, independent of the types of its data. */
export interface ResourceType extends Behaviour<Values, Values, unknown> {
  kind: Kind<Values, Values>;
}

/**
 * Creates a resource type. The provider checks inputs with the kind's schema and passes each resource only
 * to its own type, so each method gets the types that its kind declares.
 */
export function resourceType<Inputs extends Values, Chosen extends Values, Around>(
  kind: Kind<Inputs, Chosen>,
  behaviour: Behaviour<NoInfer<Inputs>, NoInfer<Chosen>, Around>,
): ResourceType {
  return { ...behaviour, kind };
}
