import { defineConfig } from "vitest/config";

/** Real hosts on one machine: one file at a time, each with the time that a boot needs. */
const ON_HOSTS = { maxWorkers: 1, testTimeout: 300_000, hookTimeout: 600_000 };

/** Files that look only at their own lab: two at a time, since a lab often waits. The others come after them. */
const PARALLEL = "test/integration/parallel/**";

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          // A graph of hundreds of resources takes seconds on a machine that is busy.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          exclude: [PARALLEL],
          ...ON_HOSTS,
        },
      },
      {
        test: {
          name: "integration-parallel",
          include: [`${PARALLEL}/*.test.ts`],
          ...ON_HOSTS,
          maxWorkers: 2,
        },
      },
      {
        test: {
          // What an operator does to a lab that runs. It takes minutes more, so it is run apart.
          name: "operations",
          include: ["test/operations/**/*.test.ts"],
          ...ON_HOSTS,
        },
      },
      {
        test: {
          // Complete matrices, kill points and other machines: too long for each run of CI.
          name: "full",
          include: ["test/full/**/*.test.ts"],
          ...ON_HOSTS,
        },
      },
    ],
  },
});
