import { existsSync, lstatSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { run } from "../../shared/process";
import { readUserData, seedFiles } from "./cloud-init";
import type { InstanceSpec } from "./model";
import { mounts } from "./mounts";
import { instanceDir } from "./paths";

/*
 * The disk of a host: an overlay over the image, and what the host finds there at its first boot.
 */

/** Whether the instance's disk is there: it is not if somebody removed the host by hand. */
export const instanceExists = (id: string) => existsSync(join(instanceDir(id), "upper"));

/** Makes the disk of an instance, or finds it, and mounts it. */
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
  // By names without a directory: commas, colons and backslashes have a meaning in these options, and
  // all of them together must fit into a page. The source tells set-up which image is in use.
  await run([
    "env", `--chdir=${dir}`,
    "mount", "-t", "overlay", `kafkalab:${basename(dirname(imageRoot))}`,
    "-o", "lowerdir=image,upperdir=upper,workdir=work", "root",
  ]); // prettier-ignore
}

const isMounted = (path: string) => mounts().some(({ point }) => point === path);

/**
 * What cloud-init would learn from the metadata service. Written once; the link comes last. An image
 * whose own cloud-init is on has no use for it.
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

/** Whether there is such a file. A symbolic link counts even if its target is missing. */
function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
