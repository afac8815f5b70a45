// Configures vitest for mutation testing: one project, whose tests the command names (folders.ts), those of the mutated file first.
import { basename, relative } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * A run ends with the first failure, so the files that are most likely to fail run first: merkle/tile.test.ts for merkle/tile.ts, then
 * those that took least time before.
 */
class OwnTestsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const mutated = this.ctx.config.related?.map((file) => basename(file, ".ts")) ?? [];
    const isOwn = (test: string) => mutated.some((name) => test === name || test.startsWith(`${name}-`));
    const rank = ({ moduleId }: TestSpecification) => (isOwn(basename(moduleId, ".test.ts")) ? 0 : 1);
    const duration = ({ project, moduleId }: TestSpecification) =>
      this.ctx.cache.getFileTestResults(`${project.name}:${relative(this.ctx.config.root, moduleId)}`)
        ?.duration ?? 0;
    return files.toSorted((a, b) => rank(a) - rank(b) || duration(a) - duration(b));
  }
}

export default defineConfig({
  test: {
    include: JSON.parse(process.env.MUTATION_TESTS ?? "[]"),
    // A change that makes a test wait for ever is noticed here, before Stryker gives up on the whole run and starts a new process.
    testTimeout: 20_000,
    hookTimeout: 20_000,
    restoreMocks: true,
    sequence: { sequencer: OwnTestsFirst },
  },
});
