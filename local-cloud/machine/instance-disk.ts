import { existsSync, lstatSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { run } from "../../shared/process";
import { readUserData, seedFiles } from "./cloud-init";
import type { InstanceSpec } from "./model";
import { mounts } from "./mounts";
import { instanceDir } from "./paths";

/*
 * The disk of a host: an overlay over the image, with the files for the first boot.
 */

/** Whether the instance's disk exists. It does not if somebody removed the host manually. */
export const instanceExists = (id: string) => existsSync(join(instanceDir(id), "upper"));

/** Creates the disk of an instance if it does not exist, and mounts it. */
export async function ensureDisk(spec: InstanceSpec): Promise<void> {
  const dir = instanceDir(spec.host.id);
  for (const name of ["upper", "work", "root"]) {
    mkdirSync(join(dir, name), { recursive: true, mode: 0o755 });
  }
  await mountRoot(dir, spec.imageRoot);
  await writeInstanceData(dir, spec);
}

/** Unmounts the disk of an instance, if it is mounted. */
export async function unmountDisk(id: string): Promise<void> {
  const root = join(instanceDir(id), "root");
  if (isMounted(root)) {
    await run(["umount", root]);
  }
}

async function mountRoot(dir: string, imageRoot: string): Promise<void> {
  if (isMounted(join(dir, "root"))) {
    return;
  }
  rmSync(join(dir, "image"), { force: true });
  symlinkSync(imageRoot, join(dir, "image"));
  // The options use relative names: commas, colons and backslashes are special characters in them, and
  // all options together must fit into one page. From the mount's source the setup sees that the image is
  // in use.
  await run([
    "env", `--chdir=${dir}`,
    "mount", "-t", "overlay", `kafkalab:${basename(dirname(imageRoot))}`,
    "-o", "lowerdir=image,upperdir=upper,workdir=work", "root",
  ]); // prettier-ignore
}

const isMounted = (path: string) => mounts().some(({ point }) => point === path);

/**
 * Writes the data that cloud-init reads from the metadata service. Writes it once, and the link last. An
 * image with an active cloud-init does not need it.
 */
async function writeInstanceData(dir: string, spec: InstanceSpec): Promise<void> {
  const inRoot = (path: string) => join(dir, "root", path);
  const link = inRoot("var/lib/cloud/instance");
  if (isThere(link) || !existsSync(inRoot("usr/lib/kafkalab/cloud-init"))) {
    return;
  }
  const { id } = spec.host;
  const { userData, publicKey, privateDnsName } = spec;
  const files = seedFiles(await readUserData(userData), {
    ...{ instanceId: id, localHostname: privateDnsName },
    ...(publicKey === undefined ? {} : { publicKey }),
  });
  files.push({
    path: `var/lib/cloud/instances/${id}/user-data.txt`,
    content: userData,
    mode: 0o600,
  });
  for (const { path, content, mode } of files) {
    mkdirSync(dirname(inRoot(path)), { recursive: true, mode: 0o755 });
    writeFileSync(inRoot(path), content, { mode });
  }
  symlinkSync(`/var/lib/cloud/instances/${id}`, link);
}

/** Whether the file exists. A symbolic link counts even if its target is missing. */
function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
