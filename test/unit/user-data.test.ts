import { spawnSync } from "node:child_process";
import PostalMime from "postal-mime";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { shellQuote } from "../../shared/quote";
import { hostUserData, renderMultipart, type HostData } from "../../components/lib/user-data";
import {
  readUserData,
  seedFiles,
  UserDataError,
  type SeedFile,
} from "../../local-cloud/machine/cloud-init";

const HOST: HostData = {
  fullName: "peter-kafka01.foo.bar",
  domain: "foo.bar",
  loginUser: "ec2-user",
  loginKey: "ssh-ed25519 AAAA",
  hostKey: {
    private: "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----\n",
    public: "ssh-ed25519 BBBB\n",
  },
  volumeId: "vol-0123456789abcdef0",
};

const bytes = (text: string) => new TextEncoder().encode(text);

async function partsOf(text: string) {
  const { attachments, text: plain } = await PostalMime.parse(text, { attachmentEncoding: "utf8" });
  expect(plain).toBeUndefined();
  return attachments.map(({ mimeType, content }) => ({ mimeType, content: content as string }));
}

describe("a host's user data", () => {
  test("is read back as cloud-config and a script", async () => {
    const [config, script, ...more] = await partsOf(hostUserData(HOST));
    expect(more).toEqual([]);
    expect(config?.mimeType).toBe("text/cloud-config");
    expect(config?.content.startsWith("#cloud-config\n")).toBe(true);
    expect(parse(config?.content ?? "", { version: "1.1" })).toEqual({
      fqdn: "peter-kafka01.foo.bar",
      prefer_fqdn_over_hostname: true,
      write_files: [
        {
          path: "/etc/systemd/resolved.conf.d/kafkalab.conf",
          content: "[Resolve]\nDomains=foo.bar\n",
        },
        { path: "/etc/ssh/sshd_config.d/kafkalab.conf", content: "MaxStartups 100\n" },
      ],
      ssh_keys: { ed25519_private: HOST.hostKey.private, ed25519_public: HOST.hostKey.public },
      users: [
        "default",
        {
          name: "ec2-user",
          shell: "/bin/bash",
          sudo: "ALL=(ALL) NOPASSWD:ALL",
          ssh_authorized_keys: ["ssh-ed25519 AAAA"],
        },
      ],
    });
    expect(script?.mimeType).toBe("text/x-shellscript");
    expect(script?.content.startsWith("#!/bin/bash\n")).toBe(true);
    expect(spawnSync("bash", ["-n"], { input: script?.content }).status).toBe(0);
    expect(script?.content).toContain(`VOLUME_ID='${HOST.volumeId}'\n`);
    // The search domain comes before all that may fail or wait.
    expect(script?.content.indexOf("restart systemd-resolved")).toBeLessThan(
      script?.content.indexOf("until ") ?? 0,
    );
  });

  test("is the same each time, and within what EC2 takes, for the longest names too", () => {
    expect(hostUserData(HOST)).toBe(hostUserData({ ...HOST }));
    const label = "a".repeat(40);
    const long = { ...HOST, fullName: `${label}.${label}.foo`, domain: `${label}.foo` };
    expect(Buffer.byteLength(hostUserData(long))).toBeLessThan(16_384 / 2);
  });

  test("carries any ASCII text whole", async () => {
    const body = "#!/bin/sh\n# =3D 'quoted' \"twice\" \\ : {} --kafkalab-\n\n--\nFrom end\n\n";
    const text = renderMultipart([
      ["text/x-shellscript", body],
      ["text/x-shellscript", "#!/bin/sh\n"],
    ]);
    // This reader counts the line break before a boundary as the part's own.
    expect((await partsOf(text)).map(({ content }) => content)).toEqual([
      `${body}\n`,
      "#!/bin/sh\n\n",
    ]);
    const { scripts } = await readUserData(bytes(text));
    expect(scripts).toEqual([
      { name: "part-001", text: `${body}\n` },
      { name: "part-002", text: "#!/bin/sh\n\n" },
    ]);
  });

  test("refuses other text, and does not print it", () => {
    const body = "#!/bin/sh\n# secret 안녕\n";
    expect(() => renderMultipart([["text/x-shellscript", body]])).toThrow(
      'user data: the part text/x-shellscript must be printable ASCII; got "안"',
    );
  });

  test("quotes what a shell reads", () => {
    const { stdout } = spawnSync("bash", ["-c", `printf %s ${shellQuote("a'b\n$c `d`")}`]);
    expect(stdout.toString()).toBe("a'b\n$c `d`");
  });
});

describe("the local cloud", () => {
  const metadata = {
    instanceId: "i-0123456789abcdef0",
    localHostname: "ip-10-0-1-11.ap-northeast-2.compute.internal",
    publicKey: "ssh-ed25519 AAAA",
  };
  const seedOf = async (userData: string) =>
    seedFiles(await readUserData(bytes(userData)), metadata);
  const said = (files: SeedFile[], end: string) =>
    files.filter(({ path }) => path.endsWith(end)).map(({ content }) => content);

  test("makes of it what cloud-init would", async () => {
    const files = await seedOf(hostUserData(HOST));
    expect(said(files, "/hostname")).toEqual(["peter-kafka01.foo.bar\n"]);
    expect(said(files, "/name")).toEqual(["ec2-user\n", "admin\n"]);
    expect(said(files, "/useradd")).toEqual([
      "ec2-user\n--shell\n/bin/bash\n-m\n",
      "admin\n--comment\nDebian\n--groups\nadm,audio,cdrom,dialout,dip,floppy,plugdev,sudo,video\n--shell\n/bin/bash\n-m\n",
    ]);
    expect(said(files, "ssh_host_ed25519_key")).toEqual([HOST.hostKey.private]);
    const scripts = files.filter(({ path }) => path.includes("/scripts/"));
    expect(scripts.map(({ path, mode }) => [path, mode])).toEqual([
      ["var/lib/cloud/instances/i-0123456789abcdef0/scripts/part-002", 0o700],
    ]);
    // What is secret is root's alone.
    expect(files.filter(({ mode }) => (mode & 0o077) !== 0).map(({ path }) => path)).toEqual([
      expect.stringMatching(/write_files\/0\.content$/),
      expect.stringMatching(/write_files\/1\.content$/),
    ]);
  });

  test("knows the host by its private name where user data gives none", async () => {
    const files = await seedOf("#!/bin/sh\n");
    expect(said(files, "/hostname")).toEqual(["ip-10-0-1-11\n"]);
    expect(said(files, "/default-user")).toEqual(["admin\n"]);
    expect(files.some(({ path }) => path.includes("/ssh_keys/"))).toBe(false);
    expect(said(files, "/scripts/part-001")).toEqual(["#!/bin/sh\n"]);
  });

  test.each([
    ["nothing", ""],
    ["other text", "x".repeat(100)],
  ])("goes on with %s", async (_, userData) => {
    expect(await readUserData(bytes(userData))).toEqual({ config: {}, scripts: [] });
  });

  test.each([
    [
      "another key of cloud-config",
      "#cloud-config\nruncmd: [ls]\n",
      /keys of cloud-config: runcmd;/,
    ],
    [
      "another key of an entry",
      '#cloud-config\nusers: [{name: a, uid: "7"}]\n',
      /keys of cloud-config: users\.uid;/,
    ],
    ["no YAML", "#cloud-config\na: [\n", /must be YAML/],
    ["another kind", "#include https://foo.bar\n", /got "#include https:\/\/foo"/],
    ["compressed", "\u001f\u008b", /accepts a script, #cloud-config or both/],
    [
      "a part that cloud-init garbles",
      renderMultipart([["text/x-shellscript", "#!/bin/sh\n# xxx\n"]]).replace("xxx", "안녕"),
      /only ASCII in user data as MIME multipart/,
    ],
    [
      "a part of another type",
      renderMultipart([["text/jinja2", "#!/bin/sh\n"]]),
      /got text\/jinja2$/,
    ],
  ])("refuses %s", async (_, userData, message) => {
    const refused = readUserData(bytes(userData));
    await expect(refused).rejects.toThrow(UserDataError);
    await expect(refused).rejects.toThrow(message);
  });
});
