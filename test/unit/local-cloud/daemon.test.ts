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
import { waitUntil } from "../../../shared/wait";

test("a daemon is started once, found by its mark, and ended", async () => {
  const dir = mkdtempSync(join(tmpdir(), "kafkalab-daemon-"));
  const mark = join(dir, "run.sh");
  // It waits without a child: one that has just been forked looks like its parent.
  writeFileSync(mark, "while :; do kill -STOP $$; done\n");
  const daemon = { argv: ["sh", mark], mark, logFile: join(dir, "log") };
  try {
    expect(daemonPid(daemon)).toBeUndefined();
    await startDaemon(daemon);
    await waitUntil(() => daemonPid(daemon) !== undefined, 5_000, () => "not found"); // prettier-ignore
    const pid = daemonPid(daemon);
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
    await waitUntil(() => daemonPid(daemon) === child.pid, 5_000, () => "not found"); // prettier-ignore
    const key = processKey(child.pid!);
    child.stdin.write("\n");
    const name = () => readFileSync(`/proc/${child.pid}/comm`, "utf8").trim();
    await waitUntil(
      () => name() === "sleep",
      5_000,
      () => `still ${name()}`,
    );
    expect(daemonPid(daemon)).toBeUndefined();
    expect(processKey(child.pid!)).toBe(key);
  } finally {
    child.kill();
    await once(child, "exit");
    rmSync(dir, { recursive: true });
  }
});
