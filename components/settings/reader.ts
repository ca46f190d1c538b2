import { type Pins } from "../lib/archive-pins";
import { type Architecture } from "../lib/instance-types";
import { type Context, type Setting } from "./define";
import { nearest } from "./spelling";
import { show } from "./values";

const NAMESPACE = "kafkalab:";

/** Parses each setting once and collects all faults. */
export class SettingReader implements Context {
  private readonly raw = new Map<string, string>();
  private readonly values = new Map<Setting<unknown>, unknown>();
  private readonly faultsOf = new Map<string, string[]>();

  constructor(
    readonly settings: readonly Setting<unknown>[],
    raw: Record<string, string>,
    readonly pins: Pins,
    readonly machine: Architecture,
  ) {
    for (const [key, value] of Object.entries(raw)) {
      if (key.startsWith(NAMESPACE)) {
        this.raw.set(key.slice(NAMESPACE.length), value);
      }
    }
  }

  /** Returns the value of a setting, or its default if the value is invalid. */
  get<T>(setting: Setting<T>): T {
    if (!this.values.has(setting)) {
      if (this.faultsOf.has(setting.name)) {
        throw new Error(`setting ${setting.name} depends on itself`);
      }
      this.faultsOf.set(setting.name, []);
      this.values.set(setting, this.read(setting));
    }
    // The value has the type T, because only the code above stores it, from this setting's own read().
    return this.values.get(setting) as T;
  }

  /** Returns one message for each fault. Faults of settings come first, then unknown setting names. */
  faults(): string[] {
    const names = this.settings.map(({ name }) => name);
    const unknown = [...this.raw.keys()].filter((name) => !names.includes(name));
    return [
      ...names.flatMap((name) => this.faultsOf.get(name) ?? []),
      ...unknown.map((name) => unknownName(name, names)),
    ];
  }

  private read<T>(setting: Setting<T>): T {
    const faults: string[] = [];
    this.faultsOf.set(setting.name, faults);
    return setting.read(
      this.raw.get(setting.name),
      (breach, value, at = setting.name) => {
        if (breach !== undefined) {
          const { rule, remedy } = breach;
          faults.push(
            `Setting "${NAMESPACE}${at}": it must ${rule}; got ${show(value)}. ${remedy}.`,
          );
        }
        return breach === undefined;
      },
      this,
    );
  }
}

function unknownName(name: string, known: string[]): string {
  const near = nearest(name, known);
  const remedy = near === undefined ? "" : `Did you mean ${NAMESPACE}${near}? `;
  return (
    `Setting "${NAMESPACE}${name}": its name must be that of a setting; got "${name}". ` +
    `${remedy}Remove it with: pulumi config rm ${NAMESPACE}${name}.`
  );
}
