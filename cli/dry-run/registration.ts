/** One resource that the program has registered. */
export interface Registration {
  type: string;
  name: string;
  urn: string;
  parent: string;
  provider: string;
  custom: boolean;
  /** Inputs without secret marks. */
  inputs: Record<string, unknown>;
  /** Paths of the secret inputs. */
  secrets: string[];
  /** Names of its dependencies. */
  dependencies: string[];
  /** Name of its `deletedWith` resource. */
  deletedWith: string;
  ignoreChanges: string[];
  /** A change of this value replaces the resource. */
  replacementTrigger: unknown;
  deleteBeforeReplace: boolean;
  timeouts: { create: string; update: string };
}

/** A request of Pulumi's SDK to the engine. */
export interface Request {
  getType(): string;
  getName(): string;
  getParent(): string;
  getProvider(): string;
  getCustom(): boolean;
  getObject(): { toJavaScript(): Record<string, unknown> };
  getDependenciesList(): string[];
  getDeletedwith(): string;
  getIgnorechangesList(): string[];
  getReplacementTrigger(): { toJavaScript(): unknown } | undefined;
  getDeletebeforereplace(): boolean;
  getCustomtimeouts(): { getCreate(): string; getUpdate(): string } | undefined;
}

const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const SIGNATURE = "4dabf18193072939515e22adb298388d";

/** Reads a request. */
export function toRegistration(request: Request): Registration {
  const secrets: string[] = [];
  const inputs = unwrap(request.getObject().toJavaScript(), "", secrets);
  const timeouts = request.getCustomtimeouts();
  return {
    type: request.getType(),
    name: request.getName(),
    urn: `${request.getType()}::${request.getName()}`,
    parent: nameOf(request.getParent()),
    provider: request.getProvider(),
    custom: request.getCustom(),
    inputs: inputs as Record<string, unknown>,
    secrets,
    dependencies: request.getDependenciesList().map(nameOf),
    deletedWith: nameOf(request.getDeletedwith()),
    ignoreChanges: request.getIgnorechangesList(),
    replacementTrigger: unwrapped(request.getReplacementTrigger()?.toJavaScript()),
    deleteBeforeReplace: request.getDeletebeforereplace(),
    timeouts: { create: timeouts?.getCreate() ?? "", update: timeouts?.getUpdate() ?? "" },
  };
}

/** A value without secret marks. */
export function unwrapped(value: unknown): unknown {
  return unwrap(value, "", []);
}

function unwrap(value: unknown, path: string, secrets: string[]): unknown {
  if (Array.isArray(value)) {
    return value.map((item, index) => unwrap(item, `${path}[${index}]`, secrets));
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  const object = value as Record<string, unknown>;
  if (object[SIGNATURE] === SECRET) {
    secrets.push(path);
    return unwrap(object.value, path, secrets);
  }
  return Object.fromEntries(
    Object.entries(object).map(([key, item]) => [
      key,
      unwrap(item, path === "" ? key : `${path}.${key}`, secrets),
    ]),
  );
}

function nameOf(urn: string): string {
  return urn.split("::").at(-1) ?? "";
}
