/** The CPU architectures, as EC2 names them. */
export const ARCHITECTURES = ["x86_64", "arm64"] as const;

export type Architecture = (typeof ARCHITECTURES)[number];

/** The properties of an EC2 instance type that its name reveals. */
export interface InstanceType {
  architecture: Architecture;
  /** Memory in GiB; `undefined` for families that the table does not contain. */
  memoryGiB: number | undefined;
}

const BURSTABLE: Record<string, number> = {
  nano: 0.5,
  micro: 1,
  small: 2,
  medium: 4,
  large: 8,
  xlarge: 16,
  "2xlarge": 32,
};

/** Memory per virtual CPU, in GiB, of the general, compute and memory families. */
const GIB_PER_CPU: Record<string, number> = { m: 4, c: 2, r: 8 };

const CPUS = [1, 2, 4, 8, 16, 32, 48, 64];
const CPUS_TO_96 = [2, 4, 8, 16, 32, 48, 64, 96];

/** Virtual CPUs of each family's sizes, the smallest first. */
const FAMILIES: Record<string, number[]> = {
  ...families(["m5", "m5a", "r5", "r5a"], CPUS_TO_96),
  c5: [2, 4, 8, 16, 36, 48, 72, 96],
  c5a: CPUS_TO_96,
  ...families(["m6i", "c6i", "r6i"], [...CPUS_TO_96, 128]),
  ...families(["m6a", "c6a", "r6a"], [...CPUS_TO_96, 128, 192]),
  ...families(["m7i", "c7i", "r7i"], [...CPUS_TO_96, 192]),
  ...families(["m7a", "c7a", "r7a"], [1, ...CPUS_TO_96, 128, 192]),
  ...families(["m6g", "c6g", "r6g", "m7g", "c7g", "r7g"], CPUS),
  ...families(["m8g", "c8g", "r8g"], [...CPUS, 96, 192]),
};

const BURSTABLE_FAMILIES = ["t3", "t3a", "t4g"];

/** Families before Nitro. Their EBS volumes are not NVMe devices. */
const XEN = /^(t[12]|m[1-4]|c[134]|r[34]|i[23]|d2|g[23]|p[23]|x1e?|h1|f1|cc2|hs1)$/;

/** Returns the properties of an instance type, or the rule that its name breaks. */
export function readInstanceType(name: string): InstanceType | string {
  const match = /^(([a-z]+[0-9]+)([a-z]*)(-[a-z0-9]+)?)\.([a-z0-9-]+)$/.exec(name);
  if (match === null) {
    return "be an EC2 instance type such as t3.medium";
  }
  const [, family = "", , attributes = "", , size = ""] = match;
  if (XEN.test(family)) {
    return "be a type on Nitro, where a data volume is found by its volume id";
  }
  const architecture = attributes.includes("g") || family === "a1" ? "arm64" : "x86_64";
  if (BURSTABLE_FAMILIES.includes(family)) {
    return known(family, size, BURSTABLE, architecture);
  }
  const cpus = FAMILIES[family];
  if (cpus === undefined) {
    return { architecture, memoryGiB: undefined };
  }
  const gib = GIB_PER_CPU[family.charAt(0)] ?? 0;
  const sizes = Object.fromEntries(cpus.map((count) => [sizeName(count), count * gib]));
  return known(family, size, sizes, architecture);
}

function known(
  family: string,
  size: string,
  sizes: Record<string, number>,
  architecture: Architecture,
): InstanceType | string {
  const memoryGiB = Object.hasOwn(sizes, size) ? sizes[size] : undefined;
  return memoryGiB === undefined
    ? `be a size that the ${family} family has (${Object.keys(sizes).join(", ")})`
    : { architecture, memoryGiB };
}

function sizeName(cpus: number): string {
  return { 1: "medium", 2: "large", 4: "xlarge" }[cpus] ?? `${cpus / 4}xlarge`;
}

function families(names: string[], cpus: number[]): Record<string, number[]> {
  return Object.fromEntries(names.map((name) => [name, cpus]));
}
