import { readdirSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { root } from "../support/lab";
import { must } from "../support/run";

/*
 * The host image beside Debian's EC2 image, which set-up builds first: the table in docs/differences.md
 * says what differs, and nothing else does.
 */

const image = realpathSync(join(root, ".lab/image"));
const beside = (file: string) => words(readFileSync(join(image, "..", file), "utf8"));
const words = (text: string) => new Set(text.split("\n").filter(Boolean));
/** A list of packages in `local-cloud/image/`, without remarks and architectures. */
const list = (name: string) =>
  [...words(readFileSync(join(root, "local-cloud/image", name), "utf8"))]
    .filter((line) => !line.startsWith("#"))
    .map((line) => line.split(" ")[0] ?? "");

/** What the table names: its second column, by the first. */
const table = new Map<string, string[]>();
const rows = (what: string) =>
  [...table].flatMap(([row, names]) => (row.startsWith(what) ? names : []));

/** The image's packages, each with what it depends on. */
const packages = new Map<string, string[]>();

beforeAll(async () => {
  const text = readFileSync(join(root, "docs/differences.md"), "utf8");
  const [, section = ""] = text.split("\n## The local cloud's image and Debian's EC2 image\n");
  for (const line of section.split("\n## ")[0]?.split("\n") ?? []) {
    const [, what = "", which = ""] = line.split("|").map((cell) => cell.trim());
    const names = [...which.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);
    if (names.length > 0) table.set(what, names);
  }
  const format = "${Package}\t${Provides}\t${Depends}, ${Pre-Depends}\n";
  for (const line of words(await must(["chroot", image, "dpkg-query", "-W", "-f", format]))) {
    const [name = "", , depends = ""] = line.split("\t");
    packages.set(
      name,
      depends.split(/[,|]/).map((word) => word.trim().split(/[ :]/)[0] ?? ""),
    );
  }
});

test("the packages are Debian's, less those of the table and with those of the table", () => {
  expect(rows("packages left out").sort()).toEqual(list("packages.without").sort());
  expect(rows("packages added").sort()).toEqual(list("packages.more").sort());
  const ec2 = beside("ec2.packages");
  const without = list("packages.without");
  // What Debian's list would bring besides is what the image does without; set-up asked apt.
  expect([...beside("left-out")].filter((name) => ec2.has(name))).toEqual([]);
  expect(list("packages.ec2").filter((name) => !ec2.has(name) && !without.includes(name))).toEqual(
    [],
  );
  expect([...ec2].filter((name) => !packages.has(name))).toEqual([]);
  const needed = new Set(rows("packages added"));
  for (const name of needed) packages.get(name)?.forEach((other) => needed.add(other));
  expect([...packages.keys()].filter((name) => !ec2.has(name) && !needed.has(name))).toEqual([]);
});

test("the units that the table names are masked, and no others", () => {
  const masked = [...table].flatMap(([what, names]) =>
    what.startsWith("units masked") ? names : [],
  );
  const directory = join(image, "etc/systemd/system");
  const links = readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isSymbolicLink())
    .map(({ name }) => name);
  return must([
    "find",
    directory,
    "-maxdepth",
    "1",
    "-lname",
    "/dev/null",
    "-printf",
    "%f\\n",
  ]).then((found) => {
    expect([...words(found)].sort()).toEqual(masked.sort());
    expect(links.length).toBeGreaterThan(masked.length);
  });
});

test("every other file is as Debian has it, unless the table names it", async () => {
  const script = `. scripts/dev/lib.sh; . scripts/dev/steps/image.sh; image_files "$1"`;
  const now = words(
    await must(["bash", "-c", script, "files", image], { cwd: root, timeoutSeconds: 240 }),
  );
  const ec2 = beside("ec2.files");
  const changed = new Set(
    [
      ...[...now].filter((line) => !ec2.has(line)),
      ...[...ec2].filter((line) => !now.has(line)),
    ].map((line) => line.split("\t")[0] ?? ""),
  );
  expect(changed.size).toBeGreaterThan(100);

  const added = ownFiles();
  const masks = new Set(rows("units masked").map((unit) => `/etc/systemd/system/${unit}`));
  const patterns = [...table.values()]
    .flat()
    .filter((name) => name.startsWith("/"))
    .map((name) => new RegExp(`^${name.replace(/[.+]/g, "\\$&").replaceAll("*", ".*")}$`));
  const used = new Set<RegExp>();
  const other = [...changed].filter((path) => {
    const pattern = patterns.find((candidate) => candidate.test(path));
    if (pattern) used.add(pattern);
    return !(pattern || masks.has(path) || added(path));
  });
  expect(other).toEqual([]);
  expect(patterns.filter((pattern) => !used.has(pattern))).toEqual([]);
});

/** Whether a path belongs to an added package, to an alternative that it brings, or to dpkg. */
function ownFiles(): (path: string) => boolean {
  const ec2 = beside("ec2.packages");
  const info = join(image, "var/lib/dpkg/info");
  const owned = new Set(
    readdirSync(info)
      .filter((file) => file.endsWith(".list") && !ec2.has(file.replace(/(:.*)?\.list$/, "")))
      .flatMap((file) => [...words(readFileSync(join(info, file), "utf8"))])
      .map((path) => path.replace(/^\/(bin|sbin|lib)\//, "/usr/$1/")),
  );
  const names = ["java", "jexec", "jpackage", "keytool", "nc", "rmiregistry"];
  // Each with the links that come along: other names, manual pages.
  const alternatives = new Set([
    ...names,
    ...names.flatMap((name) => [
      ...words(readFileSync(join(image, "var/lib/dpkg/alternatives", name), "utf8")),
    ]),
  ]);
  return (path) =>
    owned.has(path) ||
    path.startsWith("/var/lib/dpkg/") ||
    alternatives.has(path) ||
    alternatives.has(path.replace(/^\/usr\/bin\//, "/bin/")) ||
    (path.startsWith("/etc/alternatives/") && alternatives.has(path.split("/").at(-1) ?? ""));
}
