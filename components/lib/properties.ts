/** A properties file of the lab's, the lines in the order of the keys. */
export function propertiesFile(values: Record<string, string | number | boolean>): string {
  const lines = Object.entries(values).map(([key, value]) => `${key}=${value}\n`);
  return `# Made by the lab's Pulumi program; changes here are overwritten.\n${lines.join("")}`;
}
