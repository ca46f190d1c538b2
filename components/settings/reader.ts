import { type Pins } from "../lib/archive-pins";
import { type Architecture } from "../lib/instance-types";
import { type Context, type Setting } from "./define";
import { nearest } from "./spelling";
import { show } from "./values";

const NAMESPACE = "kafkalab:";

/** Reads settings from their texts, each once, and collects every fault on the way. */
export class SettingReader implements Context {
  private readonly raw = new Map<string, string>();
  private readonly values = new Map<Setting<unknown>, unknown>();
  private readonly faultsOf = new Map<string, string[]>();

  constructor(
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

  /** The value of a setting, or its default if it has a fault. */
  get<T>(setting: Setting<T>): T {
    if (!this.values.has(setting)) {
      if (this.faultsOf.has(setting.name)) {
        throw new Error(`setting ${setting.name} depends on itself`);
      }
      this.faultsOf.set(setting.name, []);
      this.values.set(setting, this.read(setting));
    }
    // Only the line above puts a value here: the one that this very setting has read.
    return this.values.get(setting) as T;
  }

  /** One sentence a fault: those of the settings in this order, then names that no setting has. */
  faults(settings: readonly Setting<unknown>[]): string[] {
    const names = settings.map(({ name }) => name);
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
