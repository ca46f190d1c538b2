import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { must, run, waitFor } from "./run";

const root = resolve(__dirname, "../..");

/** Builds Debian's EC2 image, if it is not in the cache, and gives a directory that stands for `.lab`. */
export async function amiLab(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "kafkalab-ami-"));
  const script = `. scripts/dev/lib.sh; progress() { say "$*"; }
    for file in scripts/dev/steps/*.sh; do . "$file"; done; image_ami "$1"`;
  await must(["bash", "-c", script, "ami", directory], { cwd: root, timeoutSeconds: 600 });
  return directory;
}

/** The metadata service of a VPC, for hosts whose image asks one. */
export class MetadataService {
  private child: ChildProcess | undefined;

  /** Waits for the VPC, and serves it until {@link stop}. */
  async start(stateDir: string, vpcId: () => string | undefined): Promise<void> {
    let id: string | undefined;
    await waitFor("the VPC", "there", 120, () => {
      id = vpcId();
      return id !== undefined && existsSync(`/run/netns/kafkalab-${id}`) ? { id } : String(id);
    });
    const inside = ["ip", "netns", "exec", `kafkalab-${id}`];
    await run([...inside, "ip", "address", "add", "169.254.169.254/32", "dev", "lo"]);
    const service = join(__dirname, "metadata-service.ts");
    const log = openSync(join(stateDir, "metadata-service.log"), "a");
    const [program = "", ...args] = [
      ...inside, "node", "--import", "tsx", service, join(stateDir, "cloud/state.json"),
    ]; // prettier-ignore
    this.child = spawn(program, args, { cwd: root, stdio: ["ignore", log, log] });
    closeSync(log);
  }

  stop(): void {
    this.child?.kill("SIGKILL");
  }
}

/** Removes what {@link amiLab} made. */
export const removeAmiLab = (directory: string) =>
  rmSync(directory, { recursive: true, force: true });
