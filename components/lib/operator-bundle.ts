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
  const { outputFiles } = buildSync({
    entryPoints: [join(ROOT, "operator/main.ts")],
    bundle: true,
    platform: "node",
    target: "node20",
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    // Optional native modules of ssh2. npm does not build them here, and ssh2 works without them.
    external: ["cpu-features", "./crypto/build/Release/sshcrypto.node"],
    write: false,
  });
  const [output] = outputFiles;
  if (output === undefined) {
    throw new Error("esbuild has made no file of operator/main.ts");
  }
  const digest = createHash("sha256").update(output.contents);
  for (const name of readdirSync(SCRIPTS).sort()) {
    digest.update(readFileSync(join(SCRIPTS, name), "utf8").replace(/^\s*#.*\n/gm, ""));
  }
  const version = digest.digest("hex").slice(0, 16);
  const file = ".lab/operator.cjs";
  write(join(ROOT, file), Buffer.from(output.contents));
  return { file, version };
}

/** Replaces the file atomically, so that a concurrent run never reads a partial file. */
function write(path: string, contents: Buffer): void {
  if (existsSync(path) && readFileSync(path).equals(contents)) {
    return;
  }
  mkdirSync(join(path, ".."), { recursive: true });
  const whole = `${path}.${process.pid}`;
  writeFileSync(whole, contents);
  renameSync(whole, path);
}
