// Lists what is mutated: folders in which a fault costs trust, each with the tests that must notice it.

export interface MutatedFolder {
  /** Below src/. */
  readonly folder: string;
  /** Globs of test files. Only those that can tell a difference: every mutant is run against all that reach it. */
  readonly tests: readonly string[];
}

export const MUTATED: readonly MutatedFolder[] = [
  { folder: "protocol/merkle", tests: ["test/protocol/merkle/*.test.ts"] },
  { folder: "protocol/note", tests: ["test/protocol/note/*.test.ts"] },
  {
    folder: "protocol/registration",
    tests: [
      "test/protocol/registration/*.test.ts",
      "test/identity/three-places.test.ts",
      "test/identity/threats.test.ts",
    ],
  },
  {
    folder: "verifier/bundle",
    tests: [
      "test/verifier/bundle/*.test.ts",
      "test/verifier/verify-bundle.test.ts",
      "test/verifier/trust.test.ts",
      "test/identity/three-places.test.ts",
      "test/identity/threats.test.ts",
    ],
  },
  { folder: "log/checkpointing", tests: ["test/log/checkpointing/*.test.ts"] },
  {
    folder: "log/sequencing",
    tests: ["test/log/sequencing/*.test.ts", "test/log/publish.test.ts", "test/identity/log.test.ts"],
  },
];
