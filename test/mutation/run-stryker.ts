// Runs Stryker over one folder: what it mutates, with which tests, and what it leaves out.
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { relative } from "node:path";
import { Stryker } from "@stryker-mutator/core";
import type { MutatedFolder } from "./folders.ts";
import { type Change, changeOf, type Mutant } from "./survivors.ts";

/** Reports and sandboxes; git ignores it. */
const SCRATCH = ".scratch/mutation";
/** Environment variable of the globs of tests, JSON, for vitest.config.ts. */
const TESTS = "MUTATION_TESTS";

type StrykerOptions = ConstructorParameters<typeof Stryker>[0];
type StrykerMutant = Awaited<ReturnType<Stryker["runMutationTest"]>>[number];

export interface RunOptions {
  readonly concurrency: number;
  /** Whether what an earlier run found is taken over where neither code nor test files changed; changes of test/support are not seen. */
  readonly incremental: boolean;
}

export interface FolderResult {
  /** Mutants that a test noticed, by failing or by never ending. */
  readonly killed: number;
  /** Those of them that never ended, or not within the time limit. */
  readonly timedOut: readonly Change[];
  readonly survived: readonly Change[];
}

/** Mutates every file of a folder, one change at a time, and runs the tests that reach it. */
export async function mutateFolder(folder: MutatedFolder, options: RunOptions): Promise<FolderResult> {
  // Before the run, which takes long: positions are those of the text that was mutated.
  const sources = readSources(`src/${folder.folder}`);
  // Not as Stryker's option `testFiles`: with that (9.6.1) a change of what a module does while it is loaded is made after it was loaded.
  process.env[TESTS] = JSON.stringify(folder.tests);
  // Stryker keeps what it found earlier of files that are not changed any more.
  if (!options.incremental) rmSync(incrementalFile(folder), { force: true });
  const results = await new Stryker(strykerOptions(folder, options)).runMutationTest();
  const mutants = results.map(toMutant);
  const changesOf = (fate: Mutant["fate"]) =>
    mutants
      .filter((mutant) => mutant.fate === fate)
      .map((mutant) => changeOf(mutant, sources.get(mutant.file) ?? ""));
  const timedOut = changesOf("timed out");
  const killed = mutants.filter(({ fate }) => fate === "killed").length + timedOut.length;
  return { killed, timedOut, survived: changesOf("survived") };
}

function readSources(folder: string): ReadonlyMap<string, string> {
  const files = readdirSync(folder).map((name) => `${folder}/${name}`);
  return new Map(files.map((file) => [file, readFileSync(file, "utf8")]));
}

function toMutant({ fileName, location, replacement = "", status }: StrykerMutant): Mutant {
  return { file: relative(".", fileName), ...location, replacement, fate: fateOf(status) };
}

function fateOf(status: StrykerMutant["status"]): Mutant["fate"] {
  if (status === "Killed") return "killed";
  if (status === "Timeout") return "timed out";
  return status === "Survived" || status === "NoCoverage" ? "survived" : "left out";
}

function incrementalFile({ folder }: MutatedFolder): string {
  return `${SCRATCH}/${folder.replaceAll("/", "-")}.json`;
}

function strykerOptions(mutated: MutatedFolder, { concurrency, incremental }: RunOptions): StrykerOptions {
  return {
    // Schemas are what shapes are generated from, and do not run; test/protocol/shape holds one against the other. A thread that a test starts
    // runs the code as it is.
    mutate: [`src/${mutated.folder}/*.ts`, "!src/**/*.schema.ts", "!src/**/high-water-thread.ts"],
    testRunner: "vitest",
    vitest: { configFile: "test/mutation/vitest.config.ts", related: true },
    plugins: ["@stryker-mutator/vitest-runner", "./test/mutation/texts-for-people.mjs"],
    ignorers: ["texts-for-people"],
    coverageAnalysis: "perTest",
    concurrency,
    incremental: true,
    force: !incremental,
    incrementalFile: incrementalFile(mutated),
    tempDirName: `${SCRATCH}/sandboxes`,
    ignorePatterns: ["dist", "dist-packages", "coverage", "bench", ".types", ".scratch"],
    reporters: ["progress-append-only"],
    // Beside what the tests take: a busy machine must not make a survivor look like an endless loop.
    timeoutMS: 12_000,
  };
}
