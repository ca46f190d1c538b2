/*
 * EC2's instance types: families by processor architecture, and their sizes. Source: the EC2 instance
 * types guide, with the general purpose, compute optimized and memory optimized families.
 */
const FAMILIES: Readonly<{ [architecture: string]: readonly string[] }> = {
  x86_64: ["t2", "t3", "t3a", "m5", "m5a", "m6i", "m6a", "m7i", "m7a", "c5", "c5a", "c6i", "c6a", "c7i", "c7a", "r5", "r5a", "r6i", "r6a", "r7i", "r7a", "i3", "i3en", "i4i"],
  arm64: ["t4g", "m6g", "m7g", "m8g", "c6g", "c7g", "c8g", "r6g", "r7g", "r8g", "im4gn", "i4g"],
}; // prettier-ignore
const BURSTABLE_SIZES = ["nano", "micro", "small", "medium", "large", "xlarge", "2xlarge"];
const SIZES = ["medium", "large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "9xlarge", "12xlarge", "16xlarge", "18xlarge", "24xlarge", "32xlarge", "48xlarge", "metal"]; // prettier-ignore

/** `x86_64` or `arm64`; undefined for a type that EC2 does not have. */
export function architectureOf(instanceType: string): string | undefined {
  const [family, size] = instanceType.split(".");
  const sizes = family?.startsWith("t") ? BURSTABLE_SIZES : SIZES;
  if (!family || !size || !sizes.includes(size)) {
    return undefined;
  }
  return Object.entries(FAMILIES).find(([, families]) => families.includes(family))?.[0];
}
