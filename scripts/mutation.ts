// Changes the code of a few folders in hundreds of small ways, and shows which changes no test noticed (CONTRIBUTING.md).
//   npm run mutation [-- FOLDER… --check --incremental --concurrency N]
import { parseArgs } from "node:util";
import { MUTATED } from "../test/mutation/folders.ts";
import { type FolderResult, mutateFolder } from "../test/mutation/run-stryker.ts";
import { type Change, compare, readListed } from "../test/mutation/survivors.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** Fails on a survivor that is not listed, and on a listed one that did not survive. */
    check: { type: "boolean", default: false },
    incremental: { type: "boolean", default: false },
    concurrency: { type: "string", default: "2" },
  },
});

const unknown = positionals.find((name) => !MUTATED.some(({ folder }) => folder === name));
if (unknown !== undefined)
  throw new Error(`${unknown} is none of ${MUTATED.map((f) => f.folder).join(", ")}`);

const rows: Array<Record<string, string | number>> = [];
const notes: string[] = [];
for (const mutated of MUTATED) {
  if (positionals.length > 0 && !positionals.includes(mutated.folder)) continue;
  const options = { concurrency: Number(values.concurrency), incremental: values.incremental };
  judge(mutated.folder, await mutateFolder(mutated, options));
}
console.table(rows);
for (const note of notes) console.log(note);
if (values.check && notes.length > 0) process.exitCode = 1;

function judge(folder: string, { killed, timedOut, survived }: FolderResult): void {
  const listed = readListed().filter(({ file }) => file.startsWith(`src/${folder}/`));
  const { unlisted, stale } = compare(survived, listed, timedOut);
  const total = killed + survived.length;
  const percent = (part: number) => `${((100 * part) / total).toFixed(1)} %`;
  rows.push({
    folder,
    mutants: total,
    killed,
    listed: survived.length - unlisted.length,
    unlisted: unlisted.length,
    "killed of all": percent(killed),
    "killed or listed": percent(total - unlisted.length),
  });
  const show = (change: Change) => JSON.stringify(change, null, 2);
  notes.push(...unlisted.map((change) => `survived, and is not listed: ${show(change)}`));
  notes.push(...stale.map((change) => `listed, and did not survive: ${show(change)}`));
}
