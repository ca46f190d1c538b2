/*
 * The part of Kafka that the operator's requests about users, ACLs and quotas reach, for unit tests. It
 * prints what the tools of Kafka 3.9.1 print.
 */
import { RemoteError, type RemoteHost } from "../../../operator/host";
import { type Binding, bindingId } from "../../../operator/kafka/access/bindings";
import { type Limit, limitId } from "../../../operator/kafka/access/entities";

/** Prints bindings as `kafka-acls.sh --list` does. */
export function listed(bindings: readonly Binding[]): string {
  const groups = new Map<string, string[]>();
  for (const { principal, host, operation, permission, resource, pattern, name } of bindings) {
    const head = `Current ACLs for resource \`ResourcePattern(resourceType=${resource}, name=${name}, patternType=${pattern})\`: `;
    const line = `(principal=${principal}, host=${host}, operation=${operation}, permissionType=${permission})`;
    groups.set(head, [...(groups.get(head) ?? []), line]);
  }
  return [...groups]
    .map(([head, lines]) => `${head}\n ${lines.map((line) => `\t${line}`).join("\n")} \n\n`)
    .join("");
}

/** Prints limits as `kafka-configs.sh --describe` does. */
export function describedLimits(limits: readonly Limit[]): string {
  const named = (word: string, name: string | null | undefined) =>
    name === undefined ? [] : [name === null ? `the default ${word}` : `${word} '${name}'`];
  return limits
    .map(({ user, client, key, value }) => {
      const entity = [...named("user-principal", user), ...named("client-id", client)].join(", ");
      // Java prints large numbers in another form than JavaScript.
      const digits = value >= 1e7 ? value.toExponential().replace("e+", "E") : value.toFixed(1);
      return `Quota configs for ${entity} are ${key}=${digits}\n`;
    })
    .join("");
}

/** Prints the users with a credential as `kafka-configs.sh --describe` does. */
export function describedUsers(users: Iterable<string>): string {
  return [...users]
    .map(
      (user) =>
        `SCRAM credential configs for user-principal '${user}' are SCRAM-SHA-512=iterations=4096\n`,
    )
    .join("");
}

const REJECTED =
  "%3|FAIL|rdkafka#producer-1| [thrd:b]: SASL authentication error: Authentication failed during " +
  "authentication due to invalid credentials with SASL mechanism SCRAM-SHA-512 (after 3ms)\n";

/** A value of a properties file as Java reads it. */
const unescaped = (text: string) =>
  text.replace(/\\(.)/g, (_, letter: string) => (letter === "n" ? "\n" : letter));

/** A cluster with users, ACLs and quotas. */
export class FakeKafka {
  readonly passwords = new Map<string, string>();
  readonly bindings = new Map<string, Binding>();
  readonly limits = new Map<string, Limit>();
  /** The notes by host. */
  readonly notes = new Map<string, string>();
  /** All command lines, without what is the same in each. */
  readonly calls: string[] = [];
  /** Called before each request. It may throw. */
  before: (call: string) => void = () => undefined;
  /** How many tools run, and how many have run at once. */
  running = 0;
  most = 0;

  addBindings(bindings: readonly Binding[]): void {
    bindings.forEach((each) => this.bindings.set(bindingId(each), each));
  }

  addLimits(limits: readonly Limit[]): void {
    limits.forEach((each) => this.limits.set(limitId(each), each));
  }

  /** A host of the cluster. */
  host(name: string): RemoteHost {
    return {
      name,
      exec: async (argv, options) => {
        this.most = Math.max(this.most, ++this.running);
        await Promise.resolve();
        this.running--;
        return this.exec(name, argv, options?.input ?? "");
      },
      script: async (files, { FILE = "", TEXT = "" }) => {
        await Promise.resolve();
        this.note(`${files.join()} ${FILE} of ${name}`);
        if (TEXT === "") {
          this.notes.delete(name);
        } else {
          this.notes.set(name, TEXT);
        }
        return "";
      },
      isOpen: () => Promise.resolve(true),
      ask: () => Promise.reject(new Error("no question is expected")),
    };
  }

  private note(call: string): void {
    this.calls.push(call);
    this.before(call);
  }

  private exec(host: string, argv: readonly string[], input: string): string {
    if (argv[3] === "kcat") {
      return this.logIn(host, argv, input);
    }
    const [, , program = "", , , ...args] = argv;
    const tool = program.replace("/usr/local/kafka/bin/", "");
    this.note([tool, ...args].join(" "));
    const of = (option: string) =>
      args
        .filter((arg) => arg.startsWith(`--${option}=`))
        .map((arg) => arg.slice(option.length + 3));
    return tool === "kafka-acls.sh" ? this.acls(args, of) : this.configs(args, of, input);
  }

  private logIn(host: string, argv: readonly string[], input: string): string {
    const config = new Map(
      input.split("\n").map((line): [string, string] => {
        const at = line.indexOf("=");
        return [line.slice(0, at), line.slice(at + 1)];
      }),
    );
    const user = config.get("sasl.username") ?? "";
    this.note(`kcat ${user} ${argv.slice(argv.indexOf("-b")).join(" ")}`);
    if (this.passwords.get(user) !== config.get("sasl.password")) {
      throw new RemoteError(host, "", REJECTED, 1);
    }
    return "{}";
  }

  private acls(args: readonly string[], of: (option: string) => string[]): string {
    if (args.includes("--list")) {
      return listed([...this.bindings.values()]);
    }
    const [pattern = ""] = of("resource-pattern-type");
    const resources = [
      ...["topic", "group", "transactional-id"].flatMap((type) =>
        of(type).map((name) => [type.toUpperCase().replaceAll("-", "_"), name] as const),
      ),
      ...(args.includes("--cluster") ? [["CLUSTER", "kafka-cluster"] as const] : []),
    ];
    for (const permission of ["allow", "deny"]) {
      for (const principal of of(`${permission}-principal`)) {
        for (const host of of(`${permission}-host`)) {
          for (const word of of("operation")) {
            for (const [resource, name] of resources) {
              const operation = word.replace(/(?<=.)([A-Z])/g, "_$1").toUpperCase();
              const binding = {
                ...{ principal, host, operation, resource, name },
                permission: permission.toUpperCase(),
                pattern: pattern.toUpperCase(),
              };
              if (args.includes("--add")) {
                this.addBindings([binding]);
              } else {
                this.bindings.delete(bindingId(binding));
              }
            }
          }
        }
      }
    }
    return "";
  }

  private configs(
    args: readonly string[],
    of: (option: string) => string[],
    input: string,
  ): string {
    const types = of("entity-type");
    if (args.includes("--describe")) {
      const limits = [...this.limits.values()].filter(
        ({ user, client }) =>
          (user !== undefined) === types.includes("users") &&
          (client !== undefined) === types.includes("clients"),
      );
      const users = types.includes("clients") ? [] : this.passwords.keys();
      return describedLimits(limits) + describedUsers(users);
    }
    const names = args
      .filter((arg) => arg.startsWith("--entity-name=") || arg === "--entity-default")
      .map((arg) => (arg === "--entity-default" ? null : arg.slice("--entity-name=".length)));
    const entity = Object.fromEntries(
      types.map((type, index) => [type.replace(/s$/, ""), names[index]]),
    );
    for (const line of input.split("\n").filter((each) => each !== "")) {
      const [, key = "", value = ""] = /^([^=]+)=(.*)$/.exec(line) ?? [];
      if (key === "SCRAM-SHA-512") {
        const password = value.replace(/^password=/, "");
        this.passwords.set(entity.user ?? "", unescaped(password));
      } else {
        this.addLimits([{ ...entity, key, value: Number(value) }]);
      }
    }
    for (const key of of("delete-config").flatMap((keys) => keys.split(","))) {
      if (key === "SCRAM-SHA-512") {
        this.passwords.delete(entity.user ?? "");
      } else {
        this.limits.delete(limitId({ ...entity, key }));
      }
    }
    return "";
  }
}
