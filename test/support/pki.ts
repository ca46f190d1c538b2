import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Identity } from "../../cli/clients/security";
import type { Lab } from "./lab";
import { must } from "./run";

/** A certificate authority of a test, with its key: nobody's, or the lab's own. */
export class TestCa {
  private constructor(private readonly directory: string) {}

  /** An authority that no lab trusts, with the name of the lab's. */
  static async foreign(): Promise<TestCa> {
    const ca = new TestCa(mkdtempSync(join(tmpdir(), "kafkalab-test-ca-")));
    await ca.createKey("ca.key");
    const subject = ["-subj", "/CN=kafkalab CA 1", "-days", "2"];
    await ca.openssl("req", "-x509", "-new", "-key", "ca.key", ...subject, "-out", "ca.pem");
    return ca;
  }

  /** The lab's first authority, whose key only Pulumi's state has. */
  static async ofLab(lab: Lab): Promise<TestCa> {
    const { stdout } = await lab.pulumi("stack", "export", "--show-secrets");
    const { deployment } = JSON.parse(stdout) as {
      deployment: { resources: { urn: string; outputs?: Record<string, unknown> }[] };
    };
    const output = (name: string, key: string) => {
      const found = deployment.resources.find(({ urn }) => urn.endsWith(`::${name}`));
      const value = found?.outputs?.[key];
      // Pulumi exports a decrypted secret as JSON.
      if (value === undefined) {
        throw new Error(`the state has no ${key} of ${name}`);
      }
      const { plaintext } = value as { plaintext?: string };
      return String(plaintext === undefined ? value : JSON.parse(plaintext));
    };
    const ca = new TestCa(mkdtempSync(join(tmpdir(), "kafkalab-test-ca-")));
    const name = "security-pki-ca-1";
    writeFileSync(ca.path("ca.key"), output(`${name}-key`, "privateKeyPem"), { mode: 0o600 });
    writeFileSync(ca.path("ca.pem"), output(name, "certPem"));
    return ca;
  }

  /** Its certificate; PEM. */
  get certificate(): string {
    return readFileSync(this.path("ca.pem"), "utf8");
  }

  /**
   * Issues a certificate for a user.
   *
   * @param days How long it is valid from now; -1 if it has ended a day ago.
   */
  async issue(user: string, days = 1): Promise<Identity> {
    await this.createKey("user.key");
    const files = ["-key", "user.key", "-out", "user.csr"];
    await this.openssl("req", "-new", "-subj", `/CN=${user}`, ...files);
    await this.openssl(
      ...["x509", "-req", "-in", "user.csr", "-CA", "ca.pem", "-CAkey", "ca.key"],
      ...["-CAcreateserial", "-days", String(days), "-out", "user.pem"],
    );
    const key = await this.openssl("pkcs8", "-topk8", "-nocrypt", "-in", "user.key");
    return { certificate: readFileSync(this.path("user.pem"), "utf8"), key };
  }

  /** Removes its files. */
  dispose(): void {
    rmSync(this.directory, { recursive: true });
  }

  private createKey(file: string): Promise<string> {
    return this.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", file);
  }

  private openssl(...args: string[]): Promise<string> {
    return must(["openssl", ...args], { cwd: this.directory });
  }

  private path(file: string): string {
    return join(this.directory, file);
  }
}
