import { type Context, type FileKey, type Setting } from "./define";
import { type Decided } from "./keys";

/** Returns the lines of a file that come from settings: each value by its key. */
export function fileLines(
  file: keyof FileKey,
  settings: readonly Setting<unknown>[],
  context: Pick<Context, "get">,
): Record<string, string> {
  return Object.fromEntries(
    withKey(file, settings).map(({ key, setting }) => [key, String(context.get(setting))]),
  );
}

/** Returns the keys of a file that have their own settings, each with the name of its setting. */
export function decidedBySettings(
  file: keyof FileKey,
  settings: readonly Setting<unknown>[],
): Decided {
  return Object.fromEntries(withKey(file, settings).map(({ key, setting }) => [key, setting.name]));
}

function withKey(file: keyof FileKey, settings: readonly Setting<unknown>[]) {
  return settings.flatMap((setting) => {
    const key = setting[file];
    return key === undefined ? [] : [{ key, setting }];
  });
}
