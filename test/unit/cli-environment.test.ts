import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import {
  enterEnvironment,
  localEnvironment,
  shellLines,
  withoutProxy,
  withoutStackTraces,
} from "../../cli/lib/environment";
import { environmentArguments } from "../../cli/lib/last-program";

/** What a shell with this environment prints after it has read the lines. */
function inShell(lines: string, script: string, env: NodeJS.ProcessEnv = {}): string {
  const argv = ["--norc", "-c", `${lines}\n${script}`];
  const { stdout } = spawnSync("bash", argv, { env: { PATH: process.env.PATH, ...env } });
  return stdout.toString();
}

describe("what is on this machine goes through no proxy", () => {
  const own = "localhost,127.0.0.1,::1,198.18.0.0/15";
  test.each<[NodeJS.ProcessEnv, string, string, string]>([
    [{}, own, own, own],
    [{ NO_PROXY: "a.test" }, `a.test,${own}`, `a.test,${own}`, `a.test,${own}`],
    [{ no_proxy: "a", NO_PROXY: "b" }, `a,${own}`, `b,${own}`, `a,${own}`],
    [
      { no_proxy: "::1,a" },
      "::1,a,localhost,127.0.0.1,198.18.0.0/15",
      "::1,a,localhost,127.0.0.1,198.18.0.0/15",
      "::1,a,localhost,127.0.0.1,198.18.0.0/15",
    ],
    [{ no_proxy: "*" }, "*", "*", `*,${own}`],
    [{ no_grpc_proxy: "g" }, own, own, `g,${own}`],
  ])("%j", (env, lower, upper, grpc) => {
    // As `eval "$(npm run -s env)"` in any shell, and twice.
    const once = withoutProxy(env);
    const values = Object.fromEntries(once.map(({ name, value }) => [name, value]));
    const twice = withoutProxy({ ...env, ...values });
    for (const settings of [once, twice]) {
      const print = 'printf "%s\\n" "$no_proxy" "$NO_PROXY" "$no_grpc_proxy"';
      const lines = shellLines(settings).join("\n");
      expect(inShell(lines, print, env)).toBe(`${lower}\n${upper}\n${grpc}\n`);
    }
  });

  test("downloads still do", () => {
    const lines = shellLines(withoutProxy({})).join("\n");
    const curl = "curl -sv --max-time 5 http://a.test/ 2>&1 || true";
    expect(inShell(lines, curl, { http_proxy: "http://127.0.0.1:1" })).toContain(
      "Uses proxy env variable http_proxy == 'http://127.0.0.1:1'",
    );
  });
});

test.each(["plain", "it's", 'a "b" $c `d` \\ *', ""])("a shell reads %j back", (value) => {
  expect(inShell(shellLines([{ name: "v", value }]).join("\n"), 'printf %s "$v"')).toBe(value);
});

test("a shell gets the tools first on its PATH, and loses what would mislead Pulumi", () => {
  const lines = shellLines(localEnvironment({})).join("\n");
  const print =
    'printf "%s\\n" "${PATH#*/.lab/}" "${PULUMI_STACK-none}" "${PULUMI_CONFIG_PASSPHRASE-none}"';
  expect(inShell(lines, print, { PATH: "/bin", PULUMI_STACK: "other" })).toBe("bin:/bin\nnone\n\n");
});

test("what the user gave Node.js stays", () => {
  const [setting] = withoutStackTraces({ NODE_OPTIONS: "--max-old-space-size=100" });
  expect(setting?.value).toBe("--max-old-space-size=100 --stack-trace-limit=0");
  expect(withoutStackTraces({})[0]?.value).toBe("--stack-trace-limit=0");
});

test("a process takes the variables on as a shell does", () => {
  const before = { ...process.env };
  try {
    enterEnvironment([
      { name: "PATH", value: "/first:", prepend: true },
      { name: "HOME", value: undefined },
    ]);
    expect([process.env.PATH, process.env.HOME]).toEqual([`/first:${before.PATH}`, undefined]);
  } finally {
    Object.assign(process.env, before);
  }
});

test("the last program gets what has changed, and nothing that is gone", () => {
  const before = { A: "1", B: "2", C: "3" };
  expect(environmentArguments(before, { A: "1", B: "x y", D: "" })).toEqual([
    "--unset=C",
    "B=x y",
    "D=",
  ]);
});
