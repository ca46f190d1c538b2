import { createHash } from "node:crypto";
import { connect, createServer, type Server } from "node:net";
import { cloudDir } from "./paths";

const queues = new Map<string, Promise<unknown>>();

/**
 * Runs `action` under a lock that all processes of the same local cloud share. Only one action with the same
 * name runs at a time.
 *
 * The lock is an abstract Unix socket. The kernel releases it when its owner ends for any reason, so a killed
 * plugin leaves no stale lock. Waiting processes wake up when their connection to the socket closes.
 */
export function withLock<T>(name: string, action: () => Promise<T> | T): Promise<T> {
  return alone(`${cloudDir}\0${name}`, action);
}

/** Like {@link withLock}, but all local clouds of the machine share the lock. */
export function withMachineLock<T>(name: string, action: () => Promise<T> | T): Promise<T> {
  return alone(name, action);
}

function alone<T>(name: string, action: () => Promise<T> | T): Promise<T> {
  const before = queues.get(name) ?? Promise.resolve();
  const mine = before.then(async () => {
    const lock = await acquire(name);
    try {
      return await action();
    } finally {
      lock.release();
    }
  });
  const settled = mine.catch(() => undefined);
  queues.set(name, settled);
  void settled.then(() => queues.get(name) === settled && queues.delete(name));
  return mine;
}

interface Held {
  release(): void;
}

async function acquire(name: string): Promise<Held> {
  const digest = createHash("sha256").update(name).digest("hex").slice(0, 32);
  const address = `\0kafkalab-${digest}`;
  for (;;) {
    const held = await listen(address);
    if (held) {
      return held;
    }
    await ownerGone(address);
  }
}

function listen(address: string): Promise<Held | undefined> {
  return new Promise((resolve, reject) => {
    const waiting = new Set<{ destroy(): void }>();
    const server: Server = createServer((socket) => {
      waiting.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => waiting.delete(socket));
    });
    server.on("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? resolve(undefined) : reject(error),
    );
    server.listen(address, () =>
      resolve({
        release: () => {
          server.close();
          for (const socket of waiting) {
            socket.destroy();
          }
        },
      }),
    );
  });
}

function ownerGone(address: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(address);
    socket.on("error", () => undefined);
    socket.on("close", () => resolve());
  });
}
