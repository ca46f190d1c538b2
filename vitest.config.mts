import { defineConfig } from "vitest/config";

/** Real hosts on one machine: one file at a time, each with the time that a boot needs. */
const ON_HOSTS = { fileParallelism: false, testTimeout: 300_000, hookTimeout: 600_000 };

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
          ...ON_HOSTS,
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
