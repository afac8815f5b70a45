import { defineConfig } from "vitest/config";

/** Tests of code that starts no process, and of no state but their own: they share workers, so each module is loaded once a worker. */
const PURE = ["protocol", "verifier", "sealed", "testing", "vectors", "node", "publisher/rim"].map(
  (folder) => `test/${folder}/**/*.test.ts`,
);

/** Tests that kill, stop and cut off real servers. On a machine that others use, one may be late for what a test waits for: then once more. */
const SERVERS = ["test/cluster/**/*.test.ts", "test/log/store/postgres-*.test.ts"];

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: "100%",
    // What is polled for comes at once, but for a machine that others use.
    expect: { poll: { timeout: 20_000 } },
    reporters: ["default", "./test/support/summary-reporter.ts"],
    coverage: {
      provider: "v8",
      include: ["src/protocol/**/*.ts", "src/verifier/**/*.ts"],
      reporter: ["text", "json-summary"],
    },
    // One group after the other: a worker is kept only while the next file is of its own project.
    projects: [
      {
        extends: true,
        test: {
          name: "isolated",
          include: ["test/**/*.test.ts"],
          exclude: [...PURE, ...SERVERS],
          pool: "forks",
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: "servers", include: SERVERS, pool: "forks", retry: 1, sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        test: {
          name: "pure",
          include: PURE,
          pool: "threads",
          isolate: false,
          restoreMocks: true,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
