// Measures the rows that were asked for and shows them as a table; bench/result.json keeps them. Nothing here fails because a number
// is low: a shared machine would make it a game of chance.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { measureAttacks } from "./attacks.ts";
import { measureAudit } from "./audit.ts";
import { measureBatches } from "./batches.ts";
import { measureBoard } from "./board.ts";
import { measureBrowser } from "./browser.ts";
import { measureBrowserCode } from "./browser-code.ts";
import { measureBundles } from "./bundles.ts";
import { measureCluster } from "./cluster.ts";
import { measureCores } from "./cores.ts";
import { measureCosigned } from "./cosigned.ts";
import { measureDisk } from "./disk.ts";
import { measureFsck } from "./fsck.ts";
import { measureGate } from "./gate.ts";
import type { Measurement } from "./harness.ts";
import { measureIdentity } from "./identity.ts";
import { measureIndex } from "./index-file.ts";
import { measureIndexed } from "./indexed.ts";
import { machineFacts } from "./machine.ts";
import { measureMemory } from "./memory.ts";
import { measureMixed } from "./mixed.ts";
import { measureObjects } from "./objects.ts";
import { measurePages } from "./pages.ts";
import { measurePeerAudit } from "./peers/audit.ts";
import { measurePeerProofs } from "./peers/proofs.ts";
import { measurePeerPublish } from "./peers/publish.ts";
import { measurePeerReads } from "./peers/reads.ts";
import { measurePeerTdx } from "./peers/tdx.ts";
import { measurePostgres } from "./postgres.ts";
import { measureProofs } from "./proofs.ts";
import { measurePublish } from "./publish.ts";
import { measureQueries } from "./queries.ts";
import { measureReads } from "./reads.ts";
import { measureRevocation } from "./revocation.ts";
import { measureSealed } from "./sealed.ts";
import { measureStart } from "./start.ts";
import { formatNotes, formatTable } from "./table.ts";
import { createWorld, type Row } from "./world.ts";

const ROWS: Readonly<Record<string, Row>> = {
  publish: measurePublish,
  batches: measureBatches,
  cosigned: measureCosigned,
  postgres: measurePostgres,
  cluster: measureCluster,
  reads: measureReads,
  bundles: measureBundles,
  pages: measurePages,
  proofs: measureProofs,
  mixed: measureMixed,
  queries: measureQueries,
  audit: measureAudit,
  fsck: measureFsck,
  disk: measureDisk,
  identity: measureIdentity,
  revocation: measureRevocation,
  attacks: measureAttacks,
  gate: measureGate,
  index: measureIndex,
  indexed: measureIndexed,
  memory: measureMemory,
  cores: measureCores,
  start: measureStart,
  sealed: measureSealed,
  browser: measureBrowser,
  "browser-code": measureBrowserCode,
  objects: measureObjects,
  board: measureBoard,
};
const PEER_ROWS: Readonly<Record<string, Row>> = {
  "peers-publish": measurePeerPublish,
  "peers-reads": measurePeerReads,
  "peers-proofs": measurePeerProofs,
  "peers-audit": measurePeerAudit,
  "peers-tdx": measurePeerTdx,
};

const { values } = parseArgs({
  options: {
    rows: { type: "string" },
    peers: { type: "boolean", default: false },
    sizes: { type: "string" },
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(
    `npm run bench -- [--rows ${Object.keys(ROWS).join(",")}] [--peers] [--sizes 10000,1000000] [--rounds 15] [--quick]`,
  );
  console.log(`rows of --peers: ${Object.keys(PEER_ROWS).join(",")}`);
  process.exit();
}

const rounds = Number(values.rounds ?? (values.quick ? 3 : 15));
const folder = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "touchstone-bench-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
process.once("SIGINT", () => process.exit(130));

const [small, large] = (values.sizes ?? (values.quick ? "10000,50000" : "10000,1000000"))
  .split(",")
  .map(Number);
if (!(small && large && small >= 1000 && large >= small))
  throw new Error("--sizes are those of the small and the large log, such as 10000,1000000");
const world = createWorld(folder, rounds, values.quick, { small, large });
const known = { ...ROWS, ...PEER_ROWS };
const asked = values.rows?.split(",") ?? Object.keys(values.peers ? PEER_ROWS : ROWS);
const before = machineFacts();
const measurements: Measurement[] = [];
for (const name of asked) {
  const measure = known[name];
  if (measure === undefined)
    throw new Error(`there is no row ${name}; there are ${Object.keys(known).join(", ")}`);
  const begun = performance.now();
  console.error(`measuring ${name}`);
  const found = await measure(world);
  measurements.push(...found);
  console.error(`${formatTable(found)}\n  took ${((performance.now() - begun) / 1000).toFixed(0)} s`);
  keepResult();
}

const { cpu, cores, memoryGiB, system, node, openssl, load } = before;
console.log(`${formatTable(measurements)}\n\n${formatNotes(measurements)}\n`);
console.log(
  `Medians of ${rounds} interleaved rounds [quartiles] where a note does not say otherwise; ratios are taken within a round, 1 is the floor. ${cpu}, ${cores} cores, ${memoryGiB} GiB, ${system}, Node ${node}, OpenSSL ${openssl}; load average ${load} before, ${machineFacts().load} after.`,
);

/** After every row, so that a run that is cut short was not for nothing. */
function keepResult(): void {
  const machine = { ...before, loadAfter: machineFacts().load };
  const result = { at: new Date().toISOString(), machine, rounds, measurements };
  writeFileSync("bench/result.json", `${JSON.stringify(result, null, 2)}\n`);
}
