import { expect, test } from "vitest";
import { RemoteError, SshHost } from "../../../operator/host";

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
