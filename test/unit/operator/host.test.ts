import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server } from "ssh2";
import { afterEach, expect, test, vi } from "vitest";
import { RemoteError, SshHost } from "../../../operator/host";

const servers: Server[] = [];
afterEach(() => {
  vi.restoreAllMocks();
  servers.splice(0).forEach((server) => server.close());
});

function keyPair() {
  const directory = mkdtempSync(join(tmpdir(), "kafkalab-keys-"));
  try {
    const file = join(directory, "key");
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file]);
    return { private: readFileSync(file, "utf8"), public: readFileSync(`${file}.pub`, "utf8") };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** A host that accepts any key and answers each command with its own text. */
async function sshServer() {
  const key = keyPair();
  const server = new Server({ hostKeys: [key.private] }, (client) => {
    client.on("error", () => undefined);
    client.on("authentication", (attempt) => attempt.accept());
    client.on("session", (accept) => {
      accept().on("exec", (acceptExec, _reject, { command }) => {
        const channel = acceptExec();
        channel.write(command);
        channel.exit(0);
        channel.end();
      });
    });
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const { private: privateKey } = keyPair();
  const connection = { host: "127.0.0.1", port, user: "u", privateKey, hostKey: key.public };
  return { name: "peter-kafka01", connection };
}

test("a connection runs commands, and sends each packet at once", async () => {
  const noDelay = vi.spyOn(Socket.prototype, "setNoDelay");
  const host = await SshHost.connect(await sshServer());
  expect(await host.exec(["echo", "a b"])).toBe("'echo' 'a b'");
  expect(noDelay.mock.calls).toEqual([[true]]);
  host.end();
});

test("another host key is refused", async () => {
  const { name, connection } = await sshServer();
  const { public: hostKey } = keyPair();
  await expect(
    SshHost.connect({ name, connection: { ...connection, hostKey } }, 0),
  ).rejects.toThrow(/^peter-kafka01 not reached over SSH after 0 s; last saw .*[Hh]ost/);
});

test("a host without an address is not dialled", async () => {
  const connection = { host: "", port: 22, user: "u", privateKey: "k", hostKey: "h" };
  await expect(SshHost.connect({ name: "peter-kafka01", connection })).rejects.toThrow(
    "peter-kafka01 has no address. If its instance is stopped, start it",
  );
});

test.each([
  ["its last line, with the host", "one\nno space left\n", "peter-kafka01: no space left"],
  ["the last line alone if that names it", "peter-kafka01: failed\n", "peter-kafka01: failed"],
  ["its status if it says nothing", "", "peter-kafka01: a command ended with status 3"],
])("the error of a command is %s", (_, stderr, message) => {
  expect(new RemoteError("peter-kafka01", "", stderr, 3).message).toBe(message);
});
