import { expect, test } from "vitest";
import { clientBootstrap } from "../../support/clients";
import { hostOf } from "../../support/host";
import { useLab } from "../../support/lab";
import { run } from "../../support/run";
import { clientSecurity, expectWorks, SMALL_WITH_USERS } from "../../support/secured-lab";

/*
 * A lab that is secured from its first `up`, and its change to the other mode: who gets in, who does not, and
 * that no secret is where it must not be. Each test starts from what the one before it left.
 */

const lab = useLab("tls", async (lab) => {
  lab.configure({ ...SMALL_WITH_USERS, security: "tls" });
  await lab.up();
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

/** Every secret of the lab, by what it is. */
async function secrets(): Promise<Record<string, string>> {
  const ofUsers = Object.entries((await clientSecurity(lab)).users).flatMap(
    ([name, { key, password }]) => [
      ...(key === undefined ? [] : [[`key of ${name}`, key.split("\n")[1] ?? ""]]),
      ...(password === undefined ? [] : [[`password of ${name}`, password]]),
    ],
  );
  return Object.fromEntries(ofUsers) as Record<string, string>;
}

async function expectNoSecretIsSeen(): Promise<void> {
  const broker = hostOf(await lab.hosts(), "peter-kafka01");
  const places = {
    state: (await lab.pulumi("stack", "export")).stdout,
    printed: lab.printed(),
    journal: await broker.run("sudo -n journalctl -b --no-pager"),
    processes: await broker.run("sudo -n cat /proc/[0-9]*/cmdline | tr '\\0' ' '"),
    others: await broker.run(
      "sudo -n runuser -u nobody -- sh -c 'cat /etc/kafkalab/*/* /usr/local/kafka/config/server.properties 2>/dev/null; true'",
    ),
  };
  const found = Object.entries(await secrets());
  expect(found.length).toBeGreaterThan(0);
  for (const [what, secret] of found) {
    expect(secret.length, what).toBeGreaterThan(20);
    for (const [place, text] of Object.entries(places)) {
      expect(text.length, place).toBeGreaterThan(100);
      expect(text.includes(secret), `${what} in ${place}`).toBe(false);
    }
  }
}

test("in tls, no secret is in the state, in logs, on command lines or in files for others", async () => {
  await expectNoSecretIsSeen();
});

test("the change to sasl is refused at once, and goes on by way of both", async () => {
  lab.configure({ ...SMALL_WITH_USERS, security: "sasl" });
  const refused = await lab.run("up");
  expect(refused.status).not.toBe(0);
  expect(refused.output).toContain("it must first be {from: tls, to: sasl}");
  lab.configure({ ...SMALL_WITH_USERS, security: { from: "tls", to: "sasl" } });
  await lab.up();
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
  await expectNoSecretIsSeen();
  const status = await lab.run("status");
  expect(status.output).toMatch(/peter-kafka01 +20\d\d-\S+ +36\d days/);
  await lab.expectNoChanges();
});
