// npm run bench: compiles the program and the benchmarks into a folder of their own, so that what is measured is what users run, and
// measures there. Arguments go to bench/run.ts.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildProgram } from "../scripts/build-program.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const build = `${root}node_modules/.cache/touchstone-bench/`;
/** What the program reads relative to itself. */
const ASSETS = ["package.json", "migrations", "examples", "node_modules"];

mkdirSync(build, { recursive: true });
for (const asset of ASSETS) if (!existsSync(build + asset)) symlinkSync(root + asset, build + asset);
execFileSync(
  process.execPath,
  [`${root}node_modules/typescript/bin/tsc`, "-p", `${root}bench/tsconfig.json`],
  {
    stdio: "inherit",
  },
);
await buildProgram(`${build}dist/cli`);
const { status } = spawnSync(process.execPath, [`${build}bench/run.js`, ...process.argv.slice(2)], {
  cwd: root,
  stdio: "inherit",
});
process.exitCode = status ?? 1;
