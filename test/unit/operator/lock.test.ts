import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { Duplex } from "node:stream";
import type { ClientChannel } from "ssh2";
import { afterAll, expect, test, vi } from "vitest";
import { messageOf } from "../../../shared/message-of";
import { withLock } from "../../../operator/lock";

const CLUSTER = `test-${process.pid}`;

afterAll(() => rmSync(`/run/lock/kafkalab-${CLUSTER}`, { force: true }));

/** A host that is this machine. Its sessions can be cut, as they are when an operator is killed. */
class Host {
  readonly name = "peter-kafka01";
  private readonly cuts: (() => void)[] = [];

  hold(command: string): Promise<ClientChannel> {
    const child = spawn("bash", ["-c", command], { stdio: ["pipe", "pipe", "inherit"] });
    const channel = Duplex.from({ readable: child.stdout, writable: child.stdin });
    channel.on("error", () => undefined);
    // sshd closes the pipes of a session that is gone.
    const close = () => {
      child.stdin.destroy();
    };
    this.cuts.push(close);
    return Promise.resolve(Object.assign(channel, { close }) as unknown as ClientChannel);
  }

  cut(): void {
    this.cuts.forEach((cut) => cut());
  }
}

/** An action that shows when it runs, and ends when it is told. */
function action() {
  let end = (): void => undefined;
  const ended = new Promise<string>((resolve) => {
    end = () => resolve("done");
  });
  return { run: vi.fn(() => ended), end: () => end() };
}

test("an operator waits, and says so, until the one that works has ended", async () => {
  const stderr = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const [first, second] = [action(), action()];
  const one = withLock(new Host(), CLUSTER, first.run);
  await vi.waitFor(() => expect(first.run).toHaveBeenCalled());
  const other = withLock(new Host(), CLUSTER, second.run);
  await vi.waitFor(() =>
    expect(stderr.mock.calls.flat()).toContain(
      `peter-kafka01: another operator works on the ${CLUSTER} cluster; waiting until it ends\n`,
    ),
  );
  expect(second.run).not.toHaveBeenCalled();

  first.end();
  expect(await one).toBe("done");
  await vi.waitFor(() => expect(second.run).toHaveBeenCalled());
  second.end();
  expect(await other).toBe("done");
  stderr.mockRestore();
});

test("an operator that fails leaves no lock", async () => {
  const failing = withLock(new Host(), CLUSTER, () => Promise.reject(new Error("no")));
  await expect(failing).rejects.toThrow("no");
  expect(await withLock(new Host(), CLUSTER, () => Promise.resolve(1))).toBe(1);
});

test("an operator that has lost its connection says so, and leaves no lock", async () => {
  const [host, cut] = [new Host(), action()];
  const ended = withLock(host, CLUSTER, cut.run).catch(messageOf);
  await vi.waitFor(() => expect(cut.run).toHaveBeenCalled());
  host.cut();
  expect(await ended).toBe(
    `peter-kafka01: the lock of the ${CLUSTER} cluster was lost with the connection; run up again to go on`,
  );
  expect(await withLock(new Host(), CLUSTER, () => Promise.resolve(1))).toBe(1);
});
