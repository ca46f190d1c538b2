import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import ts from "typescript";

/** The files that each file imports, for types too, by their paths from the root. */
export type ImportGraph = ReadonlyMap<string, string[]>;

/** Reads the imports of all TypeScript files in the folders. */
export function importGraph(root: string, folders: string[]): ImportGraph {
  const files = folders.flatMap((folder) => typeScriptIn(join(root, folder)));
  const isFile = new Set(files);
  const imports = (file: string) => {
    const { importedFiles } = ts.preProcessFile(readFileSync(file, "utf8"), true, true);
    return importedFiles
      .map(({ fileName }) => fileName)
      .filter((name) => name.startsWith("."))
      .map((name) => resolve(dirname(file), name.replace(/\.js$/, "")))
      .flatMap((path) => [`${path}.ts`, join(path, "index.ts")].filter((each) => isFile.has(each)))
      .map((path) => relative(root, path));
  };
  return new Map(files.map((file) => [relative(root, file), imports(file)]));
}

function typeScriptIn(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return typeScriptIn(path);
    return path.endsWith(".ts") ? [path] : [];
  });
}

/** The circles of a graph, each once: `a.ts -> b.ts -> a.ts`. */
export function circlesIn(graph: ImportGraph): string[] {
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, path: string[]) => {
    if (path.includes(file)) {
      circles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
      return;
    }
    if (done.has(file)) return;
    for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  return circles;
}
