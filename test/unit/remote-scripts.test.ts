import { spawnSync } from "node:child_process";
import {
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { secretLines } from "../../operator/service/files";
import { renderScript } from "../../shared/remote-script";

const DIRECTORY = join(__dirname, "../../scripts/remote");
const FILES = readdirSync(DIRECTORY);

let scratch: string;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "kafkalab-scripts-"));
});

afterAll(() => {
  rmSync(scratch, { recursive: true });
});

/** Runs lines after the shared functions of the given files, as a host would. */
function run(files: string[], lines: string, variables: Record<string, string> = {}) {
  const script = renderScript(["common.sh", ...files], { HOST: "peter-test01", ...variables });
  const { status, stdout, stderr } = spawnSync("bash", ["-s"], { input: `${script}\n${lines}` });
  return { status, stdout: stdout.toString(), stderr: stderr.toString() };
}

describe.each(FILES)("%s", (file) => {
  const text = readFileSync(join(DIRECTORY, file), "utf8");

  test("begins with its purpose, inputs and idempotence", () => {
    expect(text).toMatch(/^#!\/bin\/bash\n# \S/);
    expect(text).toMatch(/^# Inputs: /m);
    expect(text).toMatch(/^# Idempotent: /m);
  });

  test("never deletes below /data", () => {
    expect(text).not.toMatch(/\brm\b[^\n]*(\/data|\$DATA|\$\{DATA)/);
  });
});

test("no two files define the same function, but for the one that runs", () => {
  // These two are whole scripts, to which nothing is added.
  const parts = FILES.filter((file) => !["kafka-session.sh", "user-data.sh"].includes(file));
  const names = parts.flatMap((file) =>
    [...readFileSync(join(DIRECTORY, file), "utf8").matchAll(/^(\w+)\(\) \{/gm)].map(
      ([, name]) => name,
    ),
  );
  const own = names.filter((name) => name !== "main");
  expect(own.filter((name, index) => own.indexOf(name) !== index)).toEqual([]);
});

/** The functions of a script, without its last line, which runs them. */
function functionsOf(file: string): string {
  const text = readFileSync(join(DIRECTORY, file), "utf8");
  const call = /^main <.*/m;
  if (!call.test(text)) {
    throw new Error(`${file} must call main in a line of its own; or it would be run here`);
  }
  return text.replace(call, "");
}

describe("the kernel and the journal", () => {
  const KERNEL = "vm.swappiness = 1\nvm.dirty_ratio = 60";
  const SYSCTL = "/etc/sysctl.d/60-kafkalab.conf";
  const JOURNAL = "/etc/systemd/journald.conf.d/zz-kafkalab.conf";
  // What is written, and what is run, of a host where files are as told.
  const commands = (files: "there" | "missing", kernel: "own" | "shared") => `
    same() { [[ ${files} == there ]]; }
    put() { printf 'put %s\\n%s\\n' "$@"; }
    mkdir() { :; }
    own_kernel() { [[ ${kernel} == own ]]; }
    sysctl() { echo "sysctl $*"; }
    systemctl() { echo "systemctl $*"; }`;

  test.each([
    ["missing", "own", `put ${SYSCTL}\n${KERNEL}\nsysctl -q -p ${SYSCTL}\n`],
    ["missing", "shared", `put ${SYSCTL}\n${KERNEL}\n`],
    ["there", "own", ""],
  ] as const)("settings that are %s, a kernel that is %s", (files, kernel, expected) => {
    const { status, stdout } = run(["install.sh"], `${commands(files, kernel)}\nset_kernel`, {
      KERNEL,
    });
    expect([status, stdout]).toEqual([0, expected]);
  });

  const BOUND = "[Journal]\nSystemMaxUse=128M\nSystemMaxFileSize=16M\n";

  test("the bound of the journal is in the local image, so that journald need not start again", () => {
    const image = join(DIRECTORY, "../../local-cloud/image/root");
    expect(readFileSync(join(image, JOURNAL), "utf8")).toBe(BOUND);
  });

  test.each([
    ["missing", `put ${JOURNAL}\n${BOUND}systemctl --no-block restart systemd-journald\n`],
    ["there", ""],
  ] as const)("a bound of the journal that is %s", (files, expected) => {
    const { status, stdout } = run(["host-install.sh"], `${commands(files, "own")}\nbound_journal`);
    expect([status, stdout]).toEqual([0, expected]);
  });
});

describe("grow_data", () => {
  // The commands are those of a host with a volume of 2 GiB.
  const text = functionsOf("prepare.sh");
  const commands = (resize: string) => `
    findmnt() { echo /dev/nvme1n1; }
    blockdev() { [[ $* == "--getsize64 /dev/nvme1n1" ]] && echo 2147483648; }
    resize2fs() { ${resize}; }
    ${text}
    GROWN_SECONDS=0`;

  test("the file system gets all of the volume", () => {
    const { status, stdout } = run([], `${commands('echo "$1" >&3')}\ngrow_data 3>&1`, {
      VOLUME_GIB: "2",
    });
    expect([status, stdout]).toEqual([0, "/dev/nvme1n1\n"]);
  });

  test("a volume that has not grown yet is waited for, and then told", () => {
    const { status, stderr } = run([], `${commands("true")}\ngrow_data`, { VOLUME_GIB: "3" });
    expect([status, stderr]).toEqual([
      1,
      "peter-test01: the volume of /data not of 3 GiB after 0 s; last saw 2147483648 bytes; logs: dmesg\n",
    ]);
  });

  test("a file system that does not grow is an error with the repair", () => {
    const resize = "echo 'resize2fs 1.47'; echo 'Permission denied'; return 1";
    const { status, stderr } = run([], `${commands(resize)}\ngrow_data`, { VOLUME_GIB: "2" });
    expect([status, stderr]).toEqual([
      1,
      "peter-test01: the file system of /data not grown to 2 GiB; last saw Permission denied. " +
        "Grow it by hand: resize2fs /dev/nvme1n1\n",
    ]);
  });
});

describe("Kafka's check of its settings", () => {
  test.each([
    ["values are taken", "Found log directory:", 0, 0, ""],
    ["data is not to its liking", "Found problem:", 1, 0, ""],
    [
      "a value is refused",
      'Exception in thread "main" org.apache.kafka.common.config.ConfigException: Invalid value x',
      1,
      1,
      'peter-test01: setting "kafkalab:brokerConfig": it must hold values that release takes; got ' +
        "Invalid value x. Nothing was changed here. Correct it and run up again.\n",
    ],
    [
      "the check itself fails",
      "java: not found",
      127,
      1,
      'peter-test01: setting "kafkalab:brokerConfig": it must hold values that release takes; got ' +
        "java: not found. Nothing was changed here. Correct it and run up again.\n",
    ],
  ])("%s", (_, printed, code, status, message) => {
    const lines = `/usr/local/release/bin/kafka-run-class.sh() { echo "$PRINTED"; return ${code}; }
      check_config`;
    const variables = { DIRECTORY: "release", CONFIG: "a.b=x", PRINTED: printed };
    const result = run(["kafka-check.sh"], lines, variables);
    expect([result.status, result.stderr]).toEqual([status, message]);
  });
});

describe("a founder", () => {
  const FOUNDERS = "peter-test01=vol-1 peter-test02=vol-2";
  const lines = 'is_new_founder "$DATA_FILE" && echo founder || echo other';
  const founder = (more: Record<string, string>) =>
    run(["install.sh"], lines, {
      ...{ SERVICE: "no-such", FOUNDERS, VOLUME: "vol-1", DATA_FILE: join(scratch, "none") },
      ...more,
    }).stdout;

  test("is a node of the first up, with its volume and without data", () => {
    expect(founder({})).toBe("founder\n");
  });

  test.each([
    ["another volume", { VOLUME: "vol-3" }],
    ["a volume whose name begins the same", { VOLUME: "vol" }],
    ["another node's volume", { VOLUME: "vol-2" }],
    ["no founders", { FOUNDERS: "" }],
    ["data", { DATA_FILE: DIRECTORY }],
  ])("is not a node with %s", (_, more) => {
    expect(founder(more)).toBe("other\n");
  });
});

describe("service-write.sh", () => {
  test("writes the notes of one line before the files: the protocol for the data comes first", () => {
    const note = join(scratch, "kafka-protocol");
    const lines = `${functionsOf("service-write.sh")}
      only_run() { :; }
      data_mounted() { :; }
      write_files() { cat "$NOTE_FILE"; echo files; }
      main`;
    const variables = { FURTHER: `${note} 3.9`, NOTE_FILE: note };
    expect(run([], lines, variables).stdout).toBe("3.9\nfiles\n");
    expect(run([], lines, { FURTHER: "", NOTE_FILE: "/dev/null" }).stdout).toBe("files\n");
  });

  test.each([
    ["switches to another release after its files are written, and notes them last", "no", []],
    ["reloads a unit that systemd knows otherwise", "yes", ["systemctl daemon-reload"]],
  ])("%s", (_, needsReload, more) => {
    const lines = `
      put() { echo "put $1"; }
      same() { return 1; }
      switch_link() { echo "link $DIRECTORY"; }
      own_data() { echo own; }
      mkdir() { :; }
      write_secrets() { echo "secrets $SECRETS"; }
      systemctl() { [[ $1 == show ]] && echo "$RELOAD" || echo "systemctl $*"; }
      write_files`;
    const variables = {
      ...{ SERVICE: "no-such", DIRECTORY: "release", LINK: join(scratch, "no-link"), NOTE: "n" },
      ...{ CONFIG_FILE: "c", CONFIG: "", LOGGING_FILE: "l", LOGGING: "", UNIT: "u" },
      ...{ RELOAD: needsReload, SECRETS: "first" },
    };
    expect(run(["service.sh"], lines, variables).stdout.split("\n")).toEqual([
      "secrets first",
      "put /usr/local/release/c",
      "put /usr/local/release/l",
      "link release",
      "put /etc/systemd/system/no-such.service",
      "put /etc/kafkalab/no-such.content",
      "own",
      "systemctl enable --quiet --no-reload no-such",
      ...more,
      "",
    ]);
  });
});

describe.runIf(process.getuid?.() === 0)("files that hold secrets", () => {
  const make = () => join(mkdtempSync(join(scratch, "secrets-")), "s");
  const write = (secrets: string) =>
    run(["service.sh"], "write_secrets", { SECRETS: secrets, SERVICE_USER: "daemon" });
  const modeOf = (path: string) => {
    const { mode, uid, gid } = statSync(path);
    return `${(mode & 0o777).toString(8)} ${uid}:${gid}`;
  };

  test("belong to root, and the service's group can read them", () => {
    const directory = make();
    const [one, two] = [join(directory, "one"), join(directory, "two")];
    const secrets = { [one]: "a\n", [two]: "'$x\n\n" };
    expect(write(secretLines(secrets))).toEqual({ status: 0, stdout: "", stderr: "" });
    expect([directory, one, two].map(modeOf)).toEqual(["750 0:1", "640 0:1", "640 0:1"]);
    expect([one, two].map((path) => readFileSync(path, "utf8"))).toEqual(["a\n", "'$x\n\n"]);
    expect(readdirSync(directory)).toEqual(["one", "two"]);
  });

  test("are written again only if they differ, such as after a loss of power", () => {
    const directory = make();
    const [one, two] = [join(directory, "one"), join(directory, "two")];
    const lines = secretLines({ [one]: "a", [two]: "b" });
    write(lines);
    const { ino } = statSync(one);
    writeFileSync(two, "");
    write(lines);
    expect(statSync(one).ino).toBe(ino);
    expect(readFileSync(two, "utf8")).toBe("b");
  });

  test("without any, nothing is made", () => {
    expect(
      run(["service.sh"], "install() { echo install; }; write_secrets", { SECRETS: "" }),
    ).toEqual({
      ...{ status: 0, stdout: "", stderr: "" },
    });
  });

  test("the state of a service lists their paths, if there are any", () => {
    const directory = make();
    const variables = { SECRETS_DIRECTORY: directory, SERVICE: "no-such", FURTHER: "" };
    const lines = `${functionsOf("service-state.sh")}\nsystemctl() { echo; }\nmain`;
    const names = () =>
      run([], lines, variables)
        .stdout.split("\n")
        .map((line) => line.split(" ")[0]);
    expect(names()).toEqual(["systemd", ""]);
    write(secretLines({ [join(directory, "one")]: "a", [join(directory, "two")]: "b" }));
    const { stdout } = run([], lines, variables);
    expect(names()).toEqual(["systemd", "secrets", ""]);
    const paths = Buffer.from(stdout.split("secrets ")[1] ?? "", "base64").toString();
    expect(paths.split("\n").sort()).toEqual(["", `${directory}/one`, `${directory}/two`]);
  });

  const forget = (directory: string, keep: string) => {
    const lines = `${functionsOf("service-forget.sh")}\nonly_run() { :; }\nmain`;
    return run([], lines, { SECRETS_DIRECTORY: directory, KEEP: keep });
  };

  test("those that are not to be kept go, with what a killed run left", () => {
    const directory = make();
    const [one, two] = [join(directory, "one"), join(directory, "two")];
    write(secretLines({ [one]: "a", [two]: "b", [`${one}.new`]: "c" }));
    expect(forget(directory, two)).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(readdirSync(directory)).toEqual(["two"]);
    expect(forget(directory, "").status).toBe(0);
    expect(existsSync(directory)).toBe(false);
    expect(forget(directory, "").status).toBe(0);
    expect(forget("", "").status).toBe(1);
  });
});

describe.runIf(process.getuid?.() === 0)("own_data", () => {
  /** Who owns the directory and the file in it afterwards, as ids. */
  function owners(directoryId: number, fileId: number): string {
    const data = mkdtempSync(join(scratch, "data-"));
    writeFileSync(join(data, "file"), "");
    chownSync(join(data, "file"), fileId, fileId);
    chownSync(data, directoryId, directoryId);
    const { stderr } = run(["service.sh"], "own_data", { DATA: data, SERVICE_USER: "daemon" });
    expect(stderr).toBe("");
    return ["", "file"].map((name) => statSync(join(data, name))).map((s) => `${s.uid}:${s.gid}`).join(" ");
  } // prettier-ignore

  test("gives the service what another image's user had", () => {
    expect(owners(1700000123, 1700000123)).toBe("1:1 1:1");
  });

  test("looks no further where the directory is the service's", () => {
    expect(owners(1, 0)).toBe("1:1 0:0");
  });
});

describe("install_packages", () => {
  const packages = (there: string) => `
    apt_get() { shift; echo "apt-get $*"; }
    say() { :; }
    PACKAGES="bash=bash no-such-command=a ${there}=b ${there}/none=c"
    install_packages`;

  test("installs what has no command, or not the file that the package is known by", () => {
    expect(run(["packages.sh"], packages(scratch)).stdout).toBe(
      "apt-get update\napt-get -y install --no-install-recommends a c\napt-get clean\n",
    );
  });

  test("does nothing on a host that has all of them", () => {
    const lines = `apt_get() { echo apt-get; }\nPACKAGES="bash=a ${scratch}=b"\ninstall_packages`;
    expect(run(["packages.sh"], lines)).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  test("a file of the login user with the name of a command is none", () => {
    const lines = `apt_get() { shift; echo "apt-get $*"; }
      cd ${scratch} && touch no-such-command
      PACKAGES=no-such-command=a
      install_packages`;
    expect(run(["packages.sh"], lines).stdout).toContain("install --no-install-recommends a\n");
  });
});

describe("client-install.sh", () => {
  const install = (more: string, link = join(scratch, "kafka")) => {
    const steps = ["only_run", "install_packages", "install_release", "keep_release"];
    const lines = `
      ${[...steps, "complete_first_boot", "bound_journal"].map((name) => `${name}() { echo ${name}; }`).join("\n")}
      put() { printf 'put %s: %s\n' "$@"; }
      ${functionsOf("client-install.sh")}
      ${more}
      main
      readlink "$LINK"`;
    return run([], lines, { DIRECTORY: "kafka_2.13-3.9.1", LINK: link });
  };

  test("switches to the release once it is whole on the disk, and puts it on the PATH", () => {
    const link = join(scratch, "kafka");
    symlinkSync("kafka_2.13-3.9.0", link);
    const { status, stdout, stderr } = install("keep_release() { readlink $LINK; }", link);
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout.split("\n")).toEqual([
      "only_run",
      "install_packages",
      "install_release",
      "kafka_2.13-3.9.0",
      `put /etc/profile.d/kafka.sh: PATH=$PATH:${link}/bin`,
      `put /etc/environment: PATH=/usr/local/bin:/usr/bin:/bin:/usr/games:${link}/bin`,
      "complete_first_boot",
      "bound_journal",
      "kafka_2.13-3.9.1",
      "",
    ]);
  });

  test("keeps the release that is in use if the other one cannot be installed", () => {
    const link = join(scratch, "kept");
    symlinkSync("kafka_2.13-3.9.0", link);
    expect(install('install_release() { fail "no archive"; }', link)).toMatchObject({
      status: 1,
      stderr: "peter-test01: no archive\n",
    });
    expect(readlinkSync(link)).toBe("kafka_2.13-3.9.0");
  });
});

describe("install_release", () => {
  test.each([
    ["no service runs it", {}, ""],
    [
      "its service is stopped",
      { SERVICE: "s" },
      "systemctl is-active --quiet s\nrm -f /etc/kafkalab/s.content\n",
    ],
  ])("installs a release in use again that is not whole, if %s", (_, service, before) => {
    const release = mkdtempSync(join(scratch, "release-"));
    // From /usr/local, where a test must not write.
    const directory = join("../..", release);
    const link = join(release, "link");
    symlinkSync(directory, link);
    const lines = `
      systemctl() { echo "systemctl $*"; return 3; }
      rm() { echo "rm $*"; }
      mktemp() { exit 7; }
      install_release`;
    const variables = { DIRECTORY: directory, LINK: link, ARCHIVES: "", ...service };
    expect(run(["host-install.sh"], lines, variables)).toEqual({
      status: 7,
      stdout: `${before}rm -rf /usr/local/${directory}\nrm -rf /usr/local/.kafkalab-link.*\n`,
      stderr: "",
    });
  });
});

describe("shared functions", () => {
  test("a wait is bounded and says what it last saw", () => {
    const { status, stderr } = run(
      [],
      'look() { SEEN="two of three"; return 1; }\nwait_until 0 "cluster not whole" "a log" look',
    );
    expect(status).toBe(1);
    expect(stderr).toBe(
      "peter-test01: cluster not whole after 0 s; last saw two of three; logs: a log\n",
    );
  });

  test("a file is written once, whole, with its last line ended", () => {
    const file = join(scratch, "file");
    const lines = `put "$FILE" $'a\\nb'; same "$FILE" $'a\\nb' && echo same
      touch -d @1 "$FILE"; put "$FILE" $'a\\nb'; stat -c %Y "$FILE"; same "$FILE" a || echo differs`;
    expect(run([], lines, { FILE: file }).stdout).toBe("same\n1\ndiffers\n");
    expect(readFileSync(file, "utf8")).toBe("a\nb\n");
  });
});
