/** Renders a properties file of the lab, with sorted keys. */
export function propertiesFile(values: Record<string, string | number | boolean>): string {
  const lines = Object.entries(values).map(([key, value]) => `${key}=${value}\n`);
  return `# Made by the lab's Pulumi program; changes here are overwritten.\n${lines.join("")}`;
}
