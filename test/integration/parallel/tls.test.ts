import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { clientBootstrap } from "../../support/clients";
import { hostOf } from "../../support/host";
import { useLab } from "../../support/lab";
import { commandLines } from "../../support/machine";
import { run } from "../../support/run";
import { clientSecurity, expectWorks, SMALL_WITH_USERS } from "../../support/secured-lab";

/*
 * A lab that is secured from its first `up`, and its change to the other mode: who gets in, who does not, and
 * that no secret is where it must not be. Each test starts from what the one before it left.
 */

let duringUp: string;
const lab = useLab("tls", async (lab) => {
  lab.configure({ ...SMALL_WITH_USERS, security: "tls" });
  duringUp = await commandLinesDuring(() => lab.up());
});

/** What kcat says on this machine to a metadata request, with these properties. */
async function kcat(properties: Record<string, string>): Promise<string> {
  const config = Object.entries(properties).map((pair) => `${pair.join("=")}\n`);
  // kcat cannot open a socket, which Node.js gives it as its input.
  const argv = [
    ...["sh", "-c", 'cat | "$0" "$@"', "kcat", "-F", "/dev/stdin"],
    ...["-L", "-m", "5", "-b", await clientBootstrap(lab)],
  ];
  return (await run(argv, { input: config.join(""), timeoutSeconds: 30 })).output;
}

test("in tls, a user with a certificate does what its ACLs allow", async () => {
  await expectWorks(lab, "alice");
});

test("in tls, a user without ACLs may do nothing", async () => {
  await expect(expectWorks(lab, "bob")).rejects.toThrow(/AUTHORIZATION_FAILED/);
});

test("in tls, nobody gets in without a certificate, and nobody without TLS", async () => {
  expect(
    await kcat({ "security.protocol": "ssl", "enable.ssl.certificate.verification": "false" }),
  ).toMatch(/certificate required|handshake failure|Disconnected/i);
  expect(await kcat({ "security.protocol": "plaintext" })).toMatch(/Disconnected|timed out/i);
});

/** Every secret of the lab: lines of private keys, and passwords. Pulumi's state has them all, encrypted. */
async function secrets(): Promise<string[]> {
  const { stdout } = await lab.pulumi("stack", "export", "--show-secrets");
  const publicKeys = [...stdout.matchAll(/"publicKey(?:Openssh|Pem)": "([^"]+)"/g)].join();
  const keys = /BEGIN (OPENSSH )?[A-Z ]*PRIVATE KEY-----((?:\\+n[A-Za-z0-9+/=]+)+)/g;
  const ofKeys = [...stdout.matchAll(keys)].flatMap(([, openSsh, body = ""]) =>
    // The first line of OpenSSH's format is the same in every key.
    body
      .split(/\\+n/)
      .slice(openSsh === undefined ? 1 : 2)
      .filter((line) => !publicKeys.includes(line)),
  );
  const logins = [...stdout.matchAll(/(?:password|user_\w+)=\\+"([^\\"]+)/g)];
  const ofUsers = Object.values((await clientSecurity(lab)).users);
  const passwords = [
    ...logins.map(([, login = ""]) => login),
    ...ofUsers.map((its) => its.password),
  ];
  const all = [...ofKeys, ...passwords].filter((text) => text !== undefined && text.length >= 24);
  return [...new Set(all as string[])];
}

/** Command lines of all processes of the machine and of the hosts, while something is done. */
async function commandLinesDuring(work: () => Promise<unknown>): Promise<string> {
  const seen = new Set<string>();
  let isOver = false;
  const over = work().finally(() => (isOver = true));
  while (!isOver) {
    commandLines().forEach((line) => seen.add(line));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await over;
  return [...seen].join("\n");
}

/** What is in a checkpoint besides the disks and what the cloud knows: its description, and Pulumi's state. */
async function checkpointFiles(): Promise<string> {
  const { status, output } = await lab.run("checkpoint", "save", "secured");
  expect(status, output).toBe(0);
  const directory = join(lab.stateDir, "checkpoints/secured");
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  expect(readdirSync(directory).sort()).toEqual(["checkpoint.json", "cloud", "pulumi"]);
  const states = readdirSync(join(directory, "pulumi"), { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name));
  expect(states.map((file) => basename(file))).toContain("local.json");
  const files = [join(directory, "checkpoint.json"), ...states];
  return files.map((file) => readFileSync(file, "latin1")).join("\n");
}

async function expectNoSecretIsSeen(more: Record<string, string> = {}): Promise<void> {
  const broker = hostOf(await lab.hosts(), "peter-kafka01");
  const places = {
    ...more,
    state: (await lab.pulumi("stack", "export")).stdout,
    printed: lab.printed(),
    journal: await broker.run("sudo -n journalctl -b --no-pager"),
    others: await broker.run(
      "sudo -n runuser -u nobody -- sh -c 'cat /etc/kafkalab/*/* /usr/local/kafka/config/server.properties 2>/dev/null; true'",
    ),
  };
  const found = await secrets();
  // A CA, a broker, two users, the login: more lines than these have keys.
  expect(found.length).toBeGreaterThan(10);
  for (const [place, text] of Object.entries(places)) {
    expect(text.length, place).toBeGreaterThan(100);
    expect(
      found.filter((secret) => text.includes(secret)),
      place,
    ).toEqual([]);
  }
}

test("in tls, no secret is in the state, in logs, on command lines or in files for others", async () => {
  await expectNoSecretIsSeen({ duringUp });
});

test("the change to sasl is refused at once, and goes on by way of both", async () => {
  lab.configure({ ...SMALL_WITH_USERS, security: "sasl" });
  const refused = await lab.run("up");
  expect(refused.status).not.toBe(0);
  expect(refused.output).toContain("it must first be {from: tls, to: sasl}");
  lab.configure({ ...SMALL_WITH_USERS, security: { from: "tls", to: "sasl" } });
  duringUp = await commandLinesDuring(() => lab.up());
  await expectWorks(lab, "alice");
  lab.configure({ ...SMALL_WITH_USERS, security: "sasl" });
  await lab.up();
  await expectWorks(lab, "alice");
});

test("in sasl, a wrong password and a user without ACLs get nothing", async () => {
  expect(
    await kcat({
      ...{ "security.protocol": "sasl_ssl", "sasl.mechanisms": "SCRAM-SHA-512" },
      ...{ "sasl.username": "alice", "sasl.password": "not the password" },
      ...{ "enable.ssl.certificate.verification": "false" },
    }),
  ).toMatch(/invalid credentials/);
  expect(Object.keys((await clientSecurity(lab)).users)).toEqual(["alice", "bob"]);
  await expect(expectWorks(lab, "bob")).rejects.toThrow(/AUTHORIZATION_FAILED/);
});

test("in sasl, no secret is where it must not be, and nothing is left to do", async () => {
  await expectNoSecretIsSeen({ duringUp, checkpoint: await checkpointFiles() });
  const status = await lab.run("status");
  expect(status.output).toMatch(/peter-kafka01 +20\d\d-\S+ +36\d days/);
  await lab.expectNoChanges();
});
