// Configures vitest for mutation testing: one project, whose tests the command names (folders.ts), those of the mutated file first.
import { basename } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** A run ends with the first failure, so the file that is most likely to fail runs first: merkle/tile.test.ts for merkle/tile.ts. */
class OwnTestsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const own = this.ctx.config.related?.map((file) => `${basename(file, ".ts")}.test.ts`) ?? [];
    const rank = ({ moduleId }: TestSpecification) => (own.includes(basename(moduleId)) ? 0 : 1);
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    restoreMocks: true,
    sequence: { sequencer: OwnTestsFirst },
  },
});
