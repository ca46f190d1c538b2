import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const LIB = join(__dirname, "../../scripts/dev/lib.sh");
let scratch: string;
beforeAll(() => {
  scratch = realpathSync(mkdtempSync(join(tmpdir(), "kafkalab-dev-lib-")));
});
afterAll(() => {
  rmSync(scratch, { recursive: true });
});

/** Runs lines with the functions of lib.sh. */
function lines(script: string, env: NodeJS.ProcessEnv = {}, umask = "022") {
  const { status, stdout, stderr } = spawnSync(
    "bash",
    ["--norc", "-c", `umask ${umask}; . "$0"; ${script}`, LIB],
    {
      cwd: scratch,
      env: { PATH: process.env.PATH, KAFKALAB_CACHE: join(scratch, "cache"), ...env },
    },
  );
  return { status, stdout: stdout.toString(), stderr: stderr.toString() };
}

describe("where the state is", () => {
  test.each([
    ['a\'b "c" $d,e:f\\g 실전', 'a\'b "c" $d,e:f\\g 실전'],
    ["link/lab", "real/lab"],
    ["x/../y//z/", "y/z"],
    ["dangling", "nowhere"],
  ])("%s", (path, place) => {
    mkdirSync(join(scratch, "real"), { recursive: true });
    if (!existsSync(join(scratch, "link")))
      symlinkSync(join(scratch, "real"), join(scratch, "link"));
    rmSync(join(scratch, "dangling"), { force: true });
    symlinkSync(join(scratch, "nowhere"), join(scratch, "dangling"));
    for (const LC_ALL of ["C", "C.UTF-8"]) {
      const env = { KAFKALAB_STATE: join(scratch, path), LC_ALL };
      expect(lines('echo "$state"', env)).toMatchObject({ stdout: `${join(scratch, place)}\n` });
    }
  });

  test("is relative to where npm was called, or to the shell's directory", () => {
    const ask = (env: NodeJS.ProcessEnv) => lines('echo "$state"', env).stdout;
    expect(ask({ KAFKALAB_STATE: "lab" })).toBe(`${scratch}/lab\n`);
    expect(ask({ KAFKALAB_STATE: "../lab", INIT_CWD: `${scratch}/there` })).toBe(
      `${scratch}/lab\n`,
    );
  });

  const rule = 'must be UTF-8 text without control characters and without "${"; got';
  test.each([
    ["a line break", "/tmp/a\nb", `${rule} $'/tmp/a\\nb'.`],
    ["a variable of SSH", "/tmp/${HOME}", `${rule} /tmp/\\$\\{HOME\\}.`],
    ["too long a path", `/tmp/${"d/".repeat(1800)}x`, "must have at most 3500 bytes; got 3606."],
    ["a file", LIB, `must name a directory; got ${realpathSync(LIB)}, which is none.`],
  ])("%s is refused by name", (_, path, message) => {
    for (const name of ["KAFKALAB_STATE", "KAFKALAB_CACHE"]) {
      const { status, stderr } = lines("echo went on", { [name]: path });
      expect([status, stderr.split("\n")[0]]).toEqual([1, `kafkalab: ${name} ${message}`]);
    }
  });

  test("bytes that are no text are refused", () => {
    const { status, stderr } = lines(
      `exec env KAFKALAB_STATE=$'/tmp/\\xff' bash --norc -c '. "$0"' "$0"`,
    );
    expect([status, stderr]).toEqual([1, expect.stringContaining(`${rule} $'/tmp/\\377'.`)]);
  });
});

test.each(["plain", "it's", 'a "b" $c `d` \\ *', ""])("a shell reads %j back", (text) => {
  const { stdout } = lines(
    'printf "v=%s" "$(quoted "$TEXT")" | sh -c \'eval "$(cat)"; printf %s "$v"\'',
    { TEXT: text },
  );
  expect(stdout).toBe(text);
});

describe("a cache entry", () => {
  const make = `progress() { echo "$*"; }
    build() { mkdir "$1/d"; echo x >"$1/d/f"; }
    entry_make kind ${"0".repeat(40)} build`;
  const entry = () => join(scratch, "cache/kind", "0".repeat(40));
  const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

  test.each(["077", "027", "002", "000"])("can be read by all, whatever the umask: %s", (umask) => {
    rmSync(join(scratch, "cache"), { recursive: true, force: true });
    expect(lines(make, {}, umask).status).toBe(0);
    expect([entry(), join(entry(), "d"), join(entry(), "d/f")].map(mode)).toEqual([
      "755",
      "755",
      "644",
    ]);
    expect(lines(make, {}, umask).stdout).toBe("");
  });

  test.each<[string, () => void]>([
    ["was made under umask 077", () => chmodSync(entry(), 0o700)],
    ["may be written by all", () => chmodSync(entry(), 0o777)],
    ["has a file of another mode", () => chmodSync(join(entry(), "d/f"), 0o600)],
    ["has another content", () => writeFileSync(join(entry(), "d/f"), "longer")],
  ])("that %s is made again", (_, damage) => {
    lines(make);
    damage();
    expect(lines(make).stdout).toContain("is damaged; making it again");
    expect([entry(), join(entry(), "d/f")].map(mode)).toEqual(["755", "644"]);
    expect(lines(make).stdout).toBe("");
  });
});
