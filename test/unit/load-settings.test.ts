import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, test } from "vitest";
import { readStackConfig } from "../../cli/lib/stack-config";
import { loadSettings } from "../../components/load-settings";

const KEY = "kafkalab:userPasswords";
const PASSWORD = "hunter2-hunter2";
const COMMAND = "pulumi config set --secret --path";

beforeAll(async () => {
  const newResource = ({ inputs }: pulumi.runtime.MockResourceArgs) => ({
    id: "",
    state: inputs as object,
  });
  await pulumi.runtime.setMocks({ newResource, call: () => ({}) }, "kafkalab", "test");
});

/** Loads the settings of a stack with the users alice and a.b. */
function load(passwords: string | undefined, secretKeys: string[] = []) {
  const config = {
    "kafkalab:users": '["alice","a.b"]',
    ...(passwords !== undefined && { [KEY]: passwords }),
  };
  pulumi.runtime.setAllConfig(config, secretKeys);
  return loadSettings();
}

/** The lines about faults in the error that the settings cause. */
function faultsOf(passwords: string): string[] {
  try {
    load(passwords);
  } catch (error) {
    expect(error).toBeInstanceOf(pulumi.ResourceError);
    const { message } = error as pulumi.ResourceError;
    expect(message).not.toContain(PASSWORD);
    return message.split("\n").slice(1);
  }
  return [];
}

describe("passwords of users", () => {
  const clear = (what: string, path: string) =>
    `  - Setting "${what}": it must be a secret; got a password in the clear. ` +
    `Choose another password, and set it with: ${COMMAND} ${path} -s test.`;

  test("may be secrets", () => {
    const passwords = { alice: PASSWORD };
    expect(load(JSON.stringify(passwords), [KEY]).userPasswords).toEqual(passwords);
  });

  test.each([undefined, "", "{}"])("may be left out: %j", (none) => {
    expect(load(none).userPasswords).toEqual({});
  });

  test("in the clear are a fault for each user", () => {
    expect(faultsOf(JSON.stringify({ alice: PASSWORD, "a.b": PASSWORD }))).toEqual([
      clear(`${KEY}.alice`, `${KEY}.alice`),
      clear(`${KEY}.a.b`, `'${KEY}["a.b"]'`),
    ]);
  });

  test.each([PASSWORD, JSON.stringify({ [PASSWORD]: "alice" })])(
    "in the clear are a fault wherever they are, and are not printed: %s",
    (text) => {
      expect(faultsOf(text)).toContain(clear(KEY, `${KEY}.NAME`));
    },
  );
});

test("a stack's configuration without the stack's key has no setting that contains a secret", () => {
  const text = `
config:
  kafkalab:users: [alice]
  kafkalab:userPasswords:
    alice:
      secure: v1:abc
    bob: in the clear
  kafkalab:acls:
    - { user: alice, resource: topic, name: secure, operations: [read] }
`;
  expect(readStackConfig(text, "Pulumi.x.yaml")).toEqual({
    "kafkalab:users": '["alice"]',
    "kafkalab:acls": '[{"user":"alice","resource":"topic","name":"secure","operations":["read"]}]',
  });
});
