import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { spawn, type ChildProcess } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { type Ended, must, run, type RunOptions, waitFor } from "../support/run";

/*
 * A machine of its own on this one: a Debian whose PID 1 is systemd, with cgroup v2 and a user who
 * may use sudo. It is a container, so it is as fast as this machine.
 *
 *   this machine ─ slirp4netns ─ [outside: DHCP, DNS, NAT] ─ enp1s0 [machine]
 *
 * It does not have: controllers of cgroup v2 (unless this machine has them), udev, kernel modules,
 * AppArmor. Its kernel is this machine's, so what a kernel forgets when it restarts is taken away
 * here: loop devices, and the kernel's settings.
 */

export type Suite = "trixie" | "bookworm";

/** The checkout here. */
const root = resolve(__dirname, "../..");

/** The way from the outside into the machine; the outside's own address is the first. */
const NETWORK = "10.0.3";
/** The machine's, the same at each start. */
const MAC = "02:00:0a:00:03:0f";
const CHECKOUT = "/home/kim/kafkalab";
/** Set-up has to be done on this machine for what the checkout in the machine then finds. */
const CACHE = realpathSync(process.env.KAFKALAB_CACHE ?? "/var/cache/kafkalab");
const SYSCTLS = ["fs.inotify.max_user_instances"];

export class Machine {
  // As the tests' look for leftovers (test/support/machine.ts) knows another lab's things.
  private readonly id = `kl-${randomBytes(6).toString("hex")}`;
  private readonly dir = `/var/tmp/kafkalab-machine-${this.id}`;
  /** The network namespaces of the machine and of the outside. */
  private readonly inside = join(this.dir, "inside");
  private readonly outside = join(this.dir, "outside");
  private readonly root = join(this.dir, "root");
  private readonly key = join(this.dir, "key");
  private readonly group = join(cgroupRoot(), this.id);
  private readonly log = join(this.dir, "log");
  private init: ChildProcess | undefined;
  private helpers: ChildProcess[] = [];
  private sysctls: string[] = [];

  private constructor() {
    mkdirSync(this.dir, { mode: 0o755 });
  }

  /** Installs a machine: Debian, and the checkout as it is here, with all that git knows of. */
  static async install(suite: Suite): Promise<Machine> {
    const machine = new Machine();
    try {
      await machine.install(suite);
      return machine;
    } catch (error) {
      await machine.dispose();
      throw error;
    }
  }

  private async install(suite: Suite): Promise<void> {
    const options = { timeoutSeconds: 600, cwd: root };
    const tree = await must([join(__dirname, "tree.sh"), suite], options);
    await must(["cp", "-a", "--reflink=auto", tree.trim(), this.root], options);
    await must(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", this.key]);
    const home = join(this.root, "home/kim");
    mkdirSync(join(home, ".ssh"), { mode: 0o700 });
    writeFileSync(join(home, ".ssh/authorized_keys"), readFileSync(`${this.key}.pub`));
    mkdirSync(join(this.root, "var/log/journal"), { recursive: true }); // what it says is kept
    // As after a boot: the first one would do more than the others; see systemd-update-done(8).
    for (const file of ["etc/.updated", "var/.updated"]) writeFileSync(join(this.root, file), "");
    mkdirSync(join(this.root, CHECKOUT));
    await must(
      [
        ...["bash", "-euo", "pipefail", "-c"],
        // With changes that are not committed, but without what git does not know of.
        `commit=$(git stash create) && git archive "\${commit:-HEAD}" | tar -x -C "$1"`,
        ...["checkout", join(this.root, CHECKOUT)],
      ],
      options,
    );
    await must(["chroot", this.root, "chown", "-R", "kim:kim", "/home/kim"]);
  }

  /** Switches the machine on, and waits until kim can log in. */
  async start(): Promise<void> {
    mkdirSync(this.group, { recursive: true });
    this.sysctls = await Promise.all(
      SYSCTLS.map(async (name) => `${name}=${(await must(["sysctl", "-n", name])).trim()}`),
    );
    await this.makeNetwork();
    const namespaces = ["--mount", "--pid", "--uts", "--ipc", "--cgroup"];
    this.init = this.spawn([
      ...["bash", "-c", 'echo $$ >"$0" && exec "$@"', join(this.group, "cgroup.procs")],
      ...inNetwork(this.inside),
      ...["unshare", ...namespaces, "--propagation=private", "--fork", "--kill-child"],
      ...["bash", join(__dirname, "init.sh"), this.root, CACHE],
    ]);
    await waitFor("the machine", "up", 60, async () => {
      const { status, output } = await this.login("systemctl is-system-running; ip route");
      return output.includes("default") ? {} : `${status}: ${output}`;
    });
  }

  /** Shuts the machine down in order; how long that took. */
  async stop(): Promise<number> {
    const init = this.init!;
    const ended = once(init, "exit");
    const began = Date.now();
    await this.sudo("systemctl poweroff");
    await ended;
    const seconds = (Date.now() - began) / 1000;
    await this.forget();
    return seconds;
  }

  /** Takes the machine's power. */
  async cutPower(): Promise<void> {
    if (this.init?.exitCode === null && this.init.signalCode === null) {
      const ended = once(this.init, "exit");
      process.kill(this.pid(), "SIGKILL");
      await ended;
    }
    await this.forget();
  }

  /** Removes the machine. */
  async dispose(): Promise<void> {
    await this.cutPower();
    await must(["rm", "-rf", "--one-file-system", this.dir], { timeoutSeconds: 300 });
  }

  /** Runs a command line as kim, in a login of its own that ends with it. */
  async kim(command: string, options?: RunOptions): Promise<Ended> {
    const ended = await this.login(command, options);
    appendFileSync(this.log, `$ ${command}\n${ended.output}`);
    return ended;
  }

  private login(command: string, options?: RunOptions): Promise<Ended> {
    return run(
      [
        ...inNetwork(this.inside),
        ...["ssh", "-F", "none", "-i", this.key, "-o", "BatchMode=yes", "-o", "LogLevel=ERROR"],
        ...["-o", "UserKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=no"],
        ...["kim@127.0.0.1", command],
      ],
      options,
    );
  }

  /** Runs a command line as kim that must succeed; what it printed. */
  async must(command: string, timeoutSeconds = 60): Promise<string> {
    const { status, output } = await this.kim(command, { timeoutSeconds });
    if (status !== 0) throw new Error(`${command} ended with ${status}: ${output.slice(-6000)}`);
    return output;
  }

  /** Runs a command line as root, without a login; what it printed, if it succeeds. */
  sudo(command: string, options: RunOptions = {}): Promise<string> {
    const environment = ["env", "--ignore-environment", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"];
    return must(
      ["nsenter", "--all", `--target=${this.pid()}`, ...environment, "bash", "-c", command],
      options,
    );
  }

  /** `npm run COMMAND` as kim would type it. */
  lab(command: string): string {
    return `cd ${CHECKOUT} && sudo npm run --silent ${command}`;
  }

  /** The same in a terminal of a desktop: it is part of kim's own service manager. */
  onDesktop(command: string): string {
    return `systemd-run --user --quiet --pipe --wait --collect bash -c '${command}'`;
  }

  /** Everything on the machine that a lab may touch, one line each. */
  async snapshot(): Promise<Set<string>> {
    const input = readFileSync(join(__dirname, "snapshot.sh"), "utf8");
    return new Set((await this.sudo("bash -s", { input })).split("\n"));
  }

  /** How many packets for labs' addresses have left the machine. */
  async strays(): Promise<number> {
    const list = ["nft", "list", "chain", "inet", "outside", "forward"];
    const rules = await must([...inNetwork(this.outside), ...list]);
    return Number(/198\.18\.0\.0\/15 counter packets (\d+)/.exec(rules)?.[1]);
  }

  /** What to look at when a test fails. */
  async logs(): Promise<string> {
    const dir = join(root, ".lab/log", `machine-${this.id}`);
    mkdirSync(dir, { recursive: true });
    const journal = ["journalctl", "--directory=/var/log/journal", "--output=short-precise"];
    writeFileSync(join(dir, "journal.log"), (await run(["chroot", this.root, ...journal])).output);
    if (existsSync(this.log)) writeFileSync(join(dir, "commands.log"), readFileSync(this.log));
    return dir;
  }

  /** The machine's PID 1, as this machine numbers it. */
  private pid(): number {
    const parent = this.init?.pid;
    return Number(readFileSync(`/proc/${parent}/task/${parent}/children`, "utf8").split(" ")[0]);
  }

  private async makeNetwork(): Promise<void> {
    for (const file of [this.inside, this.outside]) {
      writeFileSync(file, "");
      await must(["unshare", `--net=${file}`, "ip", "link", "set", "lo", "up"]);
    }
    await must([...inNetwork(this.outside), "ip", "-batch", "-"], {
      input: [
        `link add machine type veth peer name enp1s0 address ${MAC} netns ${this.inside}`,
        `address add ${NETWORK}.1/24 dev machine`,
        "link set machine up",
      ].join("\n"),
    });
    await must([...inNetwork(this.outside), "sysctl", "-q", "-w", "net.ipv4.ip_forward=1"]);
    // What is for a lab must not get out: addresses of RFC 2544 may be in use where this runs.
    await must([...inNetwork(this.outside), "nft", "-f", "-"], {
      input: `table inet outside {
        chain forward {
          type filter hook forward priority filter;
          ip daddr 198.18.0.0/15 counter reject
        }
        chain postrouting {
          type nat hook postrouting priority srcnat;
          oifname "tap0" masquerade
        }
      }`,
    });
    this.helpers = [
      this.spawn([
        ...["slirp4netns", "--netns-type=path", "--configure", "--mtu=65520"],
        ...["--disable-host-loopback", this.outside, "tap0"],
      ]),
      this.spawn([
        ...inNetwork(this.outside),
        ...["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file="],
        ...["--user=root", "--interface=machine", "--except-interface=lo", "--bind-interfaces"],
        ...["--no-hosts", "--no-resolv", "--server=10.0.2.3", "--leasefile-ro"],
        `--dhcp-range=${NETWORK}.15,${NETWORK}.15`,
      ]),
    ];
  }

  /** Starts what ends with this process, and is known by its name to be none of a lab's. */
  private spawn(argv: string[]): ChildProcess {
    const child = spawn("setpriv", ["--pdeathsig", "KILL", ...argv], {
      stdio: "ignore",
      env: { PATH: process.env.PATH, KAFKALAB_STATE: this.id },
    });
    child.on("error", () => undefined); // seen by what waits for it
    return child;
  }

  /** Takes away what a machine that is off does not have. */
  private async forget(): Promise<void> {
    await Promise.all(
      this.helpers.splice(0).map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const ended = once(child, "exit");
        child.kill("SIGKILL");
        await ended;
      }),
    );
    await this.detachLoopDevices();
    const groups = () => below(this.group);
    await waitFor("the machine's processes", "ended", 20, () => {
      for (const group of groups()) {
        try {
          rmdirSync(group);
        } catch {
          return `${group} in use`;
        }
      }
      return {};
    });
    for (const file of [this.inside, this.outside]) await run(["umount", file]); // if it was on
    for (const setting of this.sysctls.splice(0)) await must(["sysctl", "-q", "-w", setting]);
  }

  /** They are told by their files' inodes: in the machine these had other names. */
  private async detachLoopDevices(): Promise<void> {
    const { stdout } = await run([
      ...["find", join(this.root, "var/lib"), join(this.root, "home"), join(this.root, "srv")],
      ...["-name", "*.img", "-printf", "%i\n"],
    ]);
    const inodes = new Set(stdout.split("\n").filter(Boolean));
    const devices = await must(["losetup", "--noheadings", "--raw", "--output", "NAME,BACK-INO"]);
    for (const [name = "", inode = ""] of devices.split("\n").map((line) => line.split(" "))) {
      if (inodes.has(inode)) await must(["losetup", "--detach", name]);
    }
  }
}

const inNetwork = (file: string) => ["nsenter", `--net=${file}`];

const cgroupRoot = () =>
  existsSync("/sys/fs/cgroup/unified") ? "/sys/fs/cgroup/unified" : "/sys/fs/cgroup";

/** A directory and those below it, the lowest first. */
function below(dir: string): string[] {
  if (!existsSync(dir)) return [];
  const entries = readdirSync(dir, { withFileTypes: true });
  const dirs = entries.filter((entry) => entry.isDirectory());
  return [...dirs.flatMap(({ name }) => below(join(dir, name))), dir];
}
