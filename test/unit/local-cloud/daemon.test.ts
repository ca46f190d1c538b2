import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  daemonPid,
  processKey,
  startDaemon,
  stopDaemon,
} from "../../../local-cloud/machine/daemon";
import { waitFor } from "../../../shared/wait";

const wait = { what: "the process", state: "found", seconds: 5, intervalMs: 10 };

test("a daemon is started once, found by its mark, and ended", async () => {
  const dir = mkdtempSync(join(tmpdir(), "kafkalab-daemon-"));
  const mark = join(dir, "run.sh");
  // It waits without a child: one that has just been forked looks like its parent.
  writeFileSync(mark, "while :; do kill -STOP $$; done\n");
  const daemon = { argv: ["sh", mark], mark, logFile: join(dir, "log") };
  try {
    expect(daemonPid(daemon)).toBeUndefined();
    await startDaemon(daemon);
    const pid = await waitFor(wait, () => {
      const found = daemonPid(daemon);
      return found === undefined ? { seen: "none" } : { done: found };
    });
    await startDaemon(daemon);
    expect(daemonPid(daemon)).toBe(pid);
    expect(daemonPid({ ...daemon, argv: ["dash", mark] })).toBeUndefined();
    await stopDaemon(daemon, "SIGKILL");
    expect(daemonPid(daemon)).toBeUndefined();
    await stopDaemon(daemon);
  } finally {
    await stopDaemon(daemon, "SIGKILL");
    rmSync(dir, { recursive: true });
  }
});

test("a process that has become another program is not the daemon any more", async () => {
  const dir = mkdtempSync(join(tmpdir(), "kafkalab-daemon-"));
  const mark = join(dir, "run.sh");
  writeFileSync(mark, "read line\nexec sleep 60\n");
  const child = spawn("sh", [mark], { stdio: ["pipe", "ignore", "inherit"] });
  try {
    const daemon = { argv: ["sh"], mark };
    const pid = await waitFor<number>(wait, () => {
      const found = daemonPid(daemon);
      return found !== undefined && found === child.pid ? { done: found } : { seen: `${found}` };
    });
    const key = processKey(pid);
    child.stdin.write("\n");
    const name = () => readFileSync(`/proc/${child.pid}/comm`, "utf8").trim();
    await waitFor({ ...wait, state: "another program" }, () =>
      name() === "sleep" ? { done: true } : { seen: name() },
    );
    expect(daemonPid(daemon)).toBeUndefined();
    expect(processKey(pid)).toBe(key);
  } finally {
    child.kill();
    await once(child, "exit");
    rmSync(dir, { recursive: true });
  }
});
