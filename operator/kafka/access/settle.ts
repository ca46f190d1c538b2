/*
 * Changes users, ACLs and quotas of a running cluster until they match the wish.
 *
 * A run may be killed anywhere: before the first change, every broker's note names all that this run may
 * make and all that earlier runs have made. Until the last change is done, the notes stay so. The next run
 * reads the cluster, does what is left, and removes what the notes name and the wish does not. Every step
 * has the same result if it is done twice.
 */
import { atMost, failuresOf, valuesOf } from "../../../shared/at-most";
import { itemAt } from "../../../shared/item-at";
import { messageOf } from "../../../shared/message-of";
import { settleAll } from "../../../shared/settle-all";
import { waitFor } from "../../../shared/wait";
import type { RemoteHost } from "../../host";
import { report } from "../../progress";
import { readProperties } from "../../service/properties";
import type { AccessWish } from "../../wish";
import { ToolError } from "../client";
import type { ClusterLook, KafkaCluster } from "../cluster";
import {
  type AccessPlan,
  type AccessStep,
  describeStep,
  planOf,
  type ValuedAccess,
} from "./access-plan";
import { batchArgs } from "./batches";
import { type Binding, bindingsOf, readBindings } from "./bindings";
import {
  credentialId,
  credentialsOf,
  type Entities,
  entityArgs,
  limitsOf,
  MECHANISM,
  readEntities,
} from "./entities";
import { canLogIn, LoginError } from "./login";
import { type Access, ACCESS_NOTE, isNothing, noteText, readNote, unionOf } from "./note";

/** Each tool starts a JVM, which keeps one core of a broker's host busy for a second. */
const TOOLS_AT_ONCE = 4;
/** How long all brokers may take to learn a new password from ZooKeeper. */
const LOGIN_SECONDS = 30;
const BROKER_LOGS = "journalctl -u kafka-server on each broker";
const NO_WISH: AccessWish = { users: [], acls: [], quotas: [] };

/** Changes users, ACLs and quotas until they match the wish. Starts no tool if there is nothing to manage. */
export async function settleAccess(cluster: KafkaCluster, look: ClusterLook): Promise<void> {
  const access = new ClusterAccess(cluster, look);
  if (!access.isConcerned) {
    return;
  }
  const plan = await access.plan();
  const { name } = cluster.first;
  plan.remarks.forEach((line) => report(`${name}: ${line}`));
  if (plan.rounds.flat().length > 0) {
    await access.note(plan.before);
    for (const steps of plan.rounds) {
      await access.perform(steps);
    }
  }
  await access.note(plan.after);
}

/** Returns the steps that {@link settleAccess} would take, one line each. Changes nothing. */
export async function planAccess(cluster: KafkaCluster, look: ClusterLook): Promise<string[]> {
  const access = new ClusterAccess(cluster, look);
  if (!access.isConcerned) {
    return [];
  }
  const later = ["compare users, ACLs and quotas with the settings as soon as the brokers run"];
  if (look.metadata === undefined) {
    return later;
  }
  try {
    const { rounds } = await access.plan();
    return rounds.flat().map(describeStep);
  } catch (error) {
    // The brokers may still need a restart, for example with an authorizer.
    if (error instanceof ToolError || error instanceof LoginError) {
      return later;
    }
    throw error;
  }
}

/**
 * Checks what could stop {@link settleAccess} after the brokers have changed.
 *
 * @throws Error if a note is damaged, or if brokers cannot have the wanted ACLs.
 */
export function checkAccess(cluster: KafkaCluster, look: Pick<ClusterLook, "states">): void {
  new ClusterAccess(cluster, look).check();
}

class ClusterAccess {
  private readonly wish: AccessWish;
  private readonly wished: ValuedAccess;
  private readonly noted: Access;
  /** The texts of the notes by broker. */
  private readonly notes: Map<number, string>;
  /** Without an authorizer brokers reject each request about ACLs. */
  private readonly hasAuthorizer: boolean;

  constructor(
    private readonly cluster: KafkaCluster,
    { states }: Pick<ClusterLook, "states">,
  ) {
    this.wish = cluster.wish.access ?? NO_WISH;
    this.wished = {
      credentials: credentialsOf(this.wish),
      bindings: bindingsOf(this.wish.acls),
      limits: limitsOf(this.wish.quotas),
    };
    this.notes = new Map(
      cluster.brokers.flatMap(({ id }) => {
        const text = states.get(id)?.further.get(ACCESS_NOTE);
        return text === undefined ? [] : [[id, text]];
      }),
    );
    // A damaged note throws here, before the operator changes anything.
    this.noted = unionOf(
      [...this.notes].map(([id, text]) => readNote(cluster.broker(id).connection.name, text)),
    );
    this.hasAuthorizer = cluster.brokers.every(({ wanted }) =>
      readProperties(wanted.config).has("authorizer.class.name"),
    );
  }

  /** @throws Error if the wish has ACLs that brokers would reject. */
  check(): void {
    if (this.wished.bindings.length > 0 && !this.hasAuthorizer) {
      throw new Error(
        'setting "kafkalab:acls": it must be empty while brokers have no authorizer.class.name; got ' +
          `${this.wish.acls.length} ACLs. Set kafkalab:security, or remove the ACLs.`,
      );
    }
  }

  /** Whether there is anything to make, to compare or to remove. */
  get isConcerned(): boolean {
    return !isNothing(this.wished) || this.notes.size > 0;
  }

  async plan(): Promise<AccessPlan> {
    const concerned = unionOf([this.wished, this.noted]);
    const there = await this.read(concerned);
    const plan = planOf({
      ...{ wished: this.wished, there, noted: this.noted },
      locked: await this.lockedOf(there),
    });
    if (this.hasAuthorizer || this.noted.bindings.length === 0) {
      return plan;
    }
    const kept =
      `${this.noted.bindings.length} ACLs of the lab stay in ZooKeeper, since brokers without an authorizer ` +
      "remove none; they have no effect";
    return {
      ...plan,
      after: { ...plan.after, bindings: this.noted.bindings },
      remarks: [...plan.remarks, kept],
    };
  }

  /** Reads what the cluster has, with as few JVMs as possible: only the kinds that the lab has or wants. */
  private async read({ credentials, bindings, limits }: Access): Promise<ValuedAccess> {
    const has = (isUser: boolean, isClient: boolean) =>
      limits.some(
        ({ user, client }) =>
          (user !== undefined) === isUser && (client !== undefined) === isClient,
      );
    const types = [
      ...(credentials.length > 0 || has(true, false) ? [["users"]] : []),
      ...(has(false, true) ? [["clients"]] : []),
      ...(has(true, true) ? [["users", "clients"]] : []),
    ];
    const acls = this.listAcls(types.length, bindings.length > 0);
    const described = settleAll(types.map((each, index) => this.describe(index, each)));
    await Promise.allSettled([acls, described]);
    const entities = await described;
    return {
      bindings: await acls,
      credentials: entities.flatMap((each) => each.credentials),
      limits: entities.flatMap((each) => each.limits),
    };
  }

  private async listAcls(index: number, isConcerned: boolean): Promise<Binding[]> {
    return isConcerned && this.hasAuthorizer
      ? readBindings(await this.tool(index, "kafka-acls.sh", ["--list"]))
      : [];
  }

  private async describe(index: number, types: readonly string[]): Promise<Entities> {
    const entity = types.map((type) => `--entity-type=${type}`);
    return readEntities(await this.tool(index, "kafka-configs.sh", ["--describe", ...entity]));
  }

  /** Returns the wanted users that exist, but cannot log in with their wanted password. */
  private async lockedOf({ credentials }: Access): Promise<Set<string>> {
    const there = new Set(credentials.map(credentialId));
    const existing = this.wished.credentials.filter((each) => there.has(credentialId(each)));
    const results = await atMost(
      TOOLS_AT_ONCE,
      existing.map(
        ({ user }, index) =>
          () =>
            this.canLogIn(index, user),
      ),
    );
    const answers = valuesOf(results);
    return new Set(existing.filter((_, index) => answers[index] === false).map(({ user }) => user));
  }

  private canLogIn(index: number, user: string): Promise<boolean> {
    return canLogIn(this.host(index), user, this.passwordOf(user), this.wish);
  }

  private passwordOf(user: string): string {
    const password = this.wish.users.find(({ name }) => name === user)?.password;
    if (password === undefined) {
      throw new Error(`user "${user}" has no password in the wish`);
    }
    return password;
  }

  /** Writes the note on every broker whose note differs. */
  async note(access: Access): Promise<void> {
    const text = noteText(access);
    const differing = this.cluster.brokers.filter(({ id }) => (this.notes.get(id) ?? "") !== text);
    await settleAll(
      differing.map(async ({ id, connection }) => {
        await connection.script(["put-file.sh"], { FILE: ACCESS_NOTE, TEXT: text });
        this.notes.set(id, text);
      }),
    );
  }

  /**
   * Performs all steps, even if some of them fail.
   *
   * @throws Error with the messages of all failed steps.
   */
  async perform(steps: readonly AccessStep[]): Promise<void> {
    const results = await atMost(
      TOOLS_AT_ONCE,
      steps.map((step, index) => async () => {
        report(`${this.host(index).name}: ${describeStep(step)}`);
        try {
          await this.performOne(step, index);
        } catch (error) {
          throw error instanceof ToolError ? stepError(step, error) : error;
        }
      }),
    );
    const errors = failuresOf(results);
    if (errors.length > 0) {
      throw new Error(errors.map(messageOf).join("\n"));
    }
  }

  private async performOne(step: AccessStep, index: number): Promise<void> {
    switch (step.kind) {
      case "create-user":
      case "set-password":
        return this.setPassword(step.user, index);
      case "add-acls":
        await this.tool(index, "kafka-acls.sh", batchArgs("add", step.batch));
        return;
      case "remove-acls":
        await this.tool(index, "kafka-acls.sh", batchArgs("remove", step.batch));
        return;
      case "set-quota": {
        const set = step.set.map(({ key, value }) => `${key}=${value}\n`);
        return this.alter(index, entityArgs(step.entity), set.join(""), step.remove);
      }
      case "remove-user": {
        const { user, mechanism } = step.credential;
        return this.alter(index, entityArgs({ user }), "", [mechanism]);
      }
    }
  }

  /** Sets a password, and waits until the brokers accept it. */
  private async setPassword(user: string, index: number): Promise<void> {
    // In a properties file only the backslash has a meaning within a value of printable characters.
    const value = this.passwordOf(user).replaceAll("\\", "\\\\");
    await this.alter(index, entityArgs({ user }), `${MECHANISM}=password=${value}\n`, []);
    await waitFor(
      {
        what: `user ${user}`,
        state: "able to log in",
        seconds: LOGIN_SECONDS,
        logs: BROKER_LOGS,
      },
      async () =>
        (await this.canLogIn(index, user))
          ? { done: undefined }
          : { seen: "that brokers reject the new password" },
    );
  }

  private async alter(
    index: number,
    entity: readonly string[],
    lines: string,
    remove: readonly string[],
  ): Promise<void> {
    const args = [
      ...["--alter", ...entity],
      ...(lines === "" ? [] : ["--add-config-file=/dev/stdin"]),
      ...(remove.length > 0 ? [`--delete-config=${remove.join(",")}`] : []),
    ];
    await this.tool(index, "kafka-configs.sh", args, lines);
  }

  private tool(
    index: number,
    name: string,
    args: readonly string[],
    input?: string,
  ): Promise<string> {
    return this.cluster.tool(name, args, input, this.host(index));
  }

  /** Distributes requests over the brokers' hosts. */
  private host(index: number): RemoteHost {
    const { brokers } = this.cluster;
    return itemAt(brokers, index % brokers.length).connection;
  }
}

/** Reports the output of a tool that failed, and returns the error for the step. */
function stepError(step: AccessStep, { tool, lines, reason }: ToolError): Error {
  lines.forEach(report);
  return new Error(
    `not able to ${describeStep(step)}: ${tool} has failed with ${reason}. Correct the settings, or see ` +
      `${BROKER_LOGS}; then run up again`,
  );
}
