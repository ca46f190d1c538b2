/** Reads a properties file of the lab: `key=value` lines and comments. */
export function readProperties(text: string): Map<string, string> {
  const pairs = text
    .split("\n")
    .filter((line) => !line.startsWith("#") && line.includes("="))
    .map((line): [string, string] => {
      const at = line.indexOf("=");
      return [line.slice(0, at), line.slice(at + 1)];
    });
  return new Map(pairs);
}

/** Returns the sorted keys that exist in only one of two files, or whose values differ. */
export function changedKeys(one: string, other: string): string[] {
  const [first, second] = [readProperties(one), readProperties(other)];
  return [...new Set([...first.keys(), ...second.keys()])]
    .filter((key) => first.get(key) !== second.get(key))
    .sort();
}
