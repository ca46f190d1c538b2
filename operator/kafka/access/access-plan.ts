/*
 * Plans the changes of users, ACLs and quotas. Pure functions of what is wanted, what is there, and what
 * the lab has noted.
 */
import { type Batch, batchesOf, describeBatch } from "./batches";
import { bindingId } from "./bindings";
import {
  type Credential,
  credentialId,
  describeEntity,
  type Entity,
  entityId,
  type Limit,
  limitId,
  type LimitKey,
} from "./entities";
import { type Access, unionOf } from "./note";

/** Users, ACLs and quotas, with the values of the limits. */
export interface ValuedAccess extends Access {
  limits: Limit[];
}

/** What a plan depends on. */
export interface AccessFacts {
  wished: ValuedAccess;
  /** What the cluster has. */
  there: ValuedAccess;
  /** What the lab has made, or was about to make. */
  noted: Access;
  /** The users that cannot log in with their wanted password. */
  locked: ReadonlySet<string>;
}

/** A change of users, ACLs or quotas. */
export type AccessStep =
  | { kind: "create-user" | "set-password"; user: string }
  | { kind: "add-acls" | "remove-acls"; batch: Batch }
  | { kind: "set-quota"; entity: Entity; set: Limit[]; remove: string[] }
  | { kind: "remove-user"; credential: Credential };

/** The changes of a cluster, and the notes around them. */
export interface AccessPlan {
  /**
   * The changes in rounds. The changes of one round may run at once. Passwords have a round of their own:
   * ZooKeeper stores the password and the quota of a user in one node, and of two changes at once one
   * might be lost. Removals come last: a client whose ACLs change may always do what both the former and
   * the new ones allow.
   */
  rounds: AccessStep[][];
  /** The note to write before the first change: all that the lab may have made if the changes stop halfway. */
  before: Access;
  /** The note to write after the last change. */
  after: Access;
  /** What the operator leaves as it is, one line each. */
  remarks: string[];
}

/**
 * Compares what is wanted with what is there. What is there, noted and not wanted is removed. What is there
 * and neither noted nor wanted is somebody else's, and stays. What somebody else made and the wish names
 * is the lab's from now on.
 */
export function planOf({ wished, there, noted, locked }: AccessFacts): AccessPlan {
  const credentials = compare(
    credentialId,
    wished.credentials,
    there.credentials,
    noted.credentials,
  );
  const bindings = compare(bindingId, wished.bindings, there.bindings, noted.bindings);
  const limits = compare<LimitKey>(limitId, wished.limits, there.limits, noted.limits);
  return {
    rounds: [
      [
        ...credentials.missing.map(({ user }) => ({ kind: "create-user", user }) as const),
        ...wished.credentials
          .filter(({ user }) => locked.has(user))
          .map(({ user }) => ({ kind: "set-password", user }) as const),
      ],
      [
        ...batchesOf(bindings.missing).map((batch) => ({ kind: "add-acls", batch }) as const),
        ...quotaSteps(unequal(wished.limits, there.limits), limits.left),
      ],
      [
        ...batchesOf(bindings.left).map((batch) => ({ kind: "remove-acls", batch }) as const),
        ...credentials.left.map((credential) => ({ kind: "remove-user", credential }) as const),
      ],
    ],
    before: unionOf([noted, wished]),
    after: wished,
    remarks: [
      ...credentials.foreign.map(({ user, mechanism }) => `user ${user} (${mechanism})`),
      ...batchesOf(bindings.foreign).map((batch) => `ACL "${describeBatch(batch)}"`),
      ...limits.foreign.map(({ key, ...entity }) => `quota ${key} of ${describeEntity(entity)}`),
    ].map((what) => `${what} is not in the settings; it is left as it is`),
  };
}

/** Divides items by where they are. An item in two lists is the same one if its id is the same. */
function compare<T>(
  idOf: (item: T) => string,
  wished: readonly T[],
  there: readonly T[],
  noted: readonly T[],
): { missing: T[]; left: T[]; foreign: T[] } {
  const idsOf = (items: readonly T[]) => new Set(items.map(idOf));
  const [isWished, isThere, isNoted] = [idsOf(wished), idsOf(there), idsOf(noted)];
  const unwanted = there.filter((item) => !isWished.has(idOf(item)));
  return {
    missing: wished.filter((item) => !isThere.has(idOf(item))),
    left: unwanted.filter((item) => isNoted.has(idOf(item))),
    foreign: unwanted.filter((item) => !isNoted.has(idOf(item))),
  };
}

/** Returns the wanted limits that the cluster does not have with the wanted value. */
function unequal(wished: readonly Limit[], there: readonly Limit[]): Limit[] {
  const values = new Map(there.map((limit) => [limitId(limit), limit.value]));
  return wished.filter((limit) => values.get(limitId(limit)) !== limit.value);
}

/** One step for each entity: Kafka's tool changes all keys of an entity at once. */
function quotaSteps(set: readonly Limit[], remove: readonly LimitKey[]): AccessStep[] {
  const entities = new Map(
    [...set, ...remove].map(({ user, client }) => {
      const entity = { user, client };
      return [entityId(entity), entity] as const;
    }),
  );
  return [...entities].map(([id, entity]) => ({
    kind: "set-quota",
    entity,
    set: set.filter((limit) => entityId(limit) === id),
    remove: remove.filter((limit) => entityId(limit) === id).map(({ key }) => key),
  }));
}

/** Describes a step for people. */
export function describeStep(step: AccessStep): string {
  switch (step.kind) {
    case "create-user":
      return `create user ${step.user}`;
    case "set-password":
      return `set the password of user ${step.user}`;
    case "add-acls":
      return `add ACL: ${describeBatch(step.batch)}`;
    case "remove-acls":
      return `remove ACL: ${describeBatch(step.batch)}`;
    case "set-quota": {
      const set = step.set.map(({ key, value }) => `${key}=${value}`).join(", ");
      const remove = step.remove.length > 0 ? `without ${step.remove.join(", ")}` : "";
      return `set the quota of ${describeEntity(step.entity)}: ${[set, remove].filter(Boolean).join(" ")}`;
    }
    case "remove-user":
      return `remove user ${step.credential.user} (${step.credential.mechanism})`;
  }
}
