import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";

const ROOT = join(__dirname, "../..");
const SCRIPTS = join(ROOT, "scripts/remote");

const FILE = ".lab/operator.cjs";
/** Says what the bundle was made of. */
const ORIGIN = ".lab/operator.json";
/** What decides how the sources are bundled. */
const BUILDERS = ["components/lib/operator-bundle.ts", "package-lock.json", "tsconfig.json"];

/** The hash of each source and of the bundle, by path relative to the project. */
type Origin = Record<string, string>;

/** The operator, bundled into one JavaScript file. */
export interface OperatorBundle {
  /** Path of the file, relative to the project. */
  file: string;
  /** Changes whenever the operator or one of its remote scripts changes. Comments do not count. */
  version: string;
}

let built: OperatorBundle | undefined;

/** Bundles the operator, unless this process has done so before. */
export function buildOperator(): OperatorBundle {
  built ??= build();
  return built;
}

function build(): OperatorBundle {
  if (!isCurrent()) {
    bundle();
  }
  const digest = createHash("sha256").update(readFileSync(join(ROOT, FILE)));
  for (const name of readdirSync(SCRIPTS).sort()) {
    digest.update(readFileSync(join(SCRIPTS, name), "utf8").replace(/^\s*#.*\n/gm, ""));
  }
  return { file: FILE, version: digest.digest("hex").slice(0, 16) };
}

function bundle(): void {
  const { metafile, outputFiles } = buildSync({
    absWorkingDir: ROOT,
    entryPoints: ["operator/main.ts"],
    bundle: true,
    platform: "node",
    target: "node20",
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    // Optional native modules of ssh2. npm does not build them here, and ssh2 works without them.
    external: ["cpu-features", "./crypto/build/Release/sshcrypto.node"],
    metafile: true,
    write: false,
  });
  const [output] = outputFiles;
  if (output === undefined) {
    throw new Error("esbuild has made no file of operator/main.ts");
  }
  const sources = [...Object.keys(metafile.inputs), ...BUILDERS];
  const origin: Origin = Object.fromEntries(sources.map((path) => [path, hashOf(path)]));
  write(FILE, Buffer.from(output.contents));
  write(ORIGIN, Buffer.from(JSON.stringify({ ...origin, [FILE]: hashOf(FILE) })));
}

/** Whether the bundle and all that it was made of are still the same. esbuild takes half a second. */
function isCurrent(): boolean {
  try {
    const origin = JSON.parse(readFileSync(join(ROOT, ORIGIN), "utf8")) as Origin;
    return Object.entries(origin).every(([path, hash]) => hashOf(path) === hash);
  } catch {
    return false; // a file is missing
  }
}

function hashOf(path: string): string {
  return createHash("sha256")
    .update(readFileSync(join(ROOT, path), "utf8"))
    .digest("hex");
}

/** Replaces the file atomically, so that a concurrent run never reads a partial file. */
function write(name: string, contents: Buffer): void {
  const path = join(ROOT, name);
  if (existsSync(path) && readFileSync(path).equals(contents)) {
    return;
  }
  mkdirSync(join(path, ".."), { recursive: true });
  const whole = `${path}.${process.pid}`;
  writeFileSync(whole, contents);
  renameSync(whole, path);
}
