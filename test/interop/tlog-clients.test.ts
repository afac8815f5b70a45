// A running log, read by tlog clients that are not ours, at pinned versions and without a line of theirs copied here: golang.org/x/mod, Tessera's
// client, fsck and mirror, and torchwood. Both forms of entry bundles are read. Skipped, with the reason, where Go or its modules are not there.
import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { audit } from "../../src/auditor/audit.ts";
import { AuditState } from "../../src/auditor/audit-state.ts";
import { openSource } from "../../src/auditor/log-source.ts";
import { type RunningServer, startServer } from "../../src/http/server.ts";
import { CopyTarget } from "../../src/mirror/copy-target.ts";
import { mirrorLog } from "../../src/mirror/mirror.ts";
import { FolderStore } from "../../src/node/objects/folder-store.ts";
import { formatVerifierKey } from "../../src/protocol/note/key.ts";
import { parseTlogPolicy } from "../../src/protocol/note/tlog-policy.ts";
import { publish } from "../../src/publisher/client/publish.ts";
import { formatTrustFile, parseTrustFile, type TrustAnchor } from "../../src/verifier/bundle/trust-pin.ts";
import { ServiceHarness } from "../support/service-harness.ts";
import { signPlatforms } from "../support/signing.ts";

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "touchstone-tlog-clients-"));
const CLIENTS = join(folder, "clients");
const TESSERA_MIRROR = join(folder, "tessera-mirror");

/** Why the programs cannot be had; "" where they were built. */
function build(): string {
  const source = join(import.meta.dirname, "go-tlog-clients");
  const packages = [
    [CLIENTS, "."],
    [TESSERA_MIRROR, "github.com/transparency-dev/tessera/cmd/experimental/mirror/posix"],
  ] as const;
  for (const [output, name] of packages) {
    const options = { cwd: source, encoding: "utf8", timeout: 300_000 } as const;
    const built = spawnSync("go", ["build", "-o", output, name], options);
    if (built.error !== undefined) return "Go is not installed";
    if (built.status !== 0) return built.stderr.trim().split("\n").at(-1) ?? "go build failed";
  }
  return "";
}
const why = build();
if (why !== "") process.stderr.write(`SKIPPED: tlog clients in Go: ${why}\n`);

interface Result {
  readonly program: string;
  readonly check: string;
  readonly passed: number;
  readonly total: number;
  readonly error: string;
}

let service: ServiceHarness;
let server: RunningServer;
let trust: TrustAnchor;
let vkey: string;
let size: number;

beforeAll(async () => {
  if (why !== "") return;
  service = await ServiceHarness.start();
  server = await startServer({
    app: service.app,
    host: "127.0.0.1",
    port: 0,
    graceMs: 1000,
    close: async () => undefined,
  });
  await service.publishPolicy();
  await service.log.publish(await signPlatforms(service.keys, "vm", 590));
  trust = parseTrustFile(formatTrustFile((await service.log.read.readEntry(0))!.envelope));
  const policy = parseTlogPolicy(trust.root.logPolicy);
  vkey = formatVerifierKey(policy.logs[0]!.key);
  writeFileSync(join(folder, "policy"), trust.root.logPolicy);
  await writePairs(policy);
  size = service.log.read.published()!.checkpoint.size;
}, 300_000);
afterAll(async () => {
  if (why === "") {
    await server.stop();
    await service.stop();
  }
  rmSync(folder, { recursive: true, force: true });
});

/** What `touchstone publish` leaves: an envelope and its proof. */
async function writePairs(policy: ReturnType<typeof parseTlogPolicy>): Promise<void> {
  mkdirSync(join(folder, "pairs"));
  const client = { url: server.address, fetch, sleep: async () => undefined };
  const published = await publish(client, await signPlatforms(service.keys, "pair", 5), [], policy);
  for (const [i, { envelope, proof }] of published.entries()) {
    writeFileSync(join(folder, "pairs", `${i}.dsse.json`), envelope.leaf);
    writeFileSync(join(folder, "pairs", `${i}.tlog-proof`), proof);
  }
}

async function ask(source: string, ...more: string[]): Promise<unknown[]> {
  const { stdout } = await run(CLIENTS, [
    source,
    vkey,
    join(folder, "policy"),
    join(folder, "pairs"),
    ...more,
  ]);
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

async function auditFolder(path: string, depth: "entries" | "everything") {
  const state = AuditState.open(null);
  try {
    const now = service.logHarness.clock.now;
    return await audit({ read: openSource(path, { fetch }), trust, state, now, depth });
  } finally {
    state.close();
  }
}

describe.skipIf(why !== "")("clients in Go", () => {
  it.each([
    ["gzip", []],
    ["plain", ["plain"]],
  ])(
    "read the whole log and prove all of it, with entry bundles in %s",
    { timeout: 300_000 },
    async (coding, more) => {
      const said = await ask(server.address, ...more);
      const results = said.filter((each) => (each as Result).program !== undefined) as Result[];
      process.stderr.write(
        results.map((each) => `${each.program}, ${each.check}: ${each.passed} of ${each.total}\n`).join(""),
      );
      expect(results.filter(({ passed, total }) => passed !== total || total === 0)).toEqual([]);
      expect(
        Object.fromEntries(results.map((each) => [`${each.program}: ${each.check}`, each.total])),
      ).toEqual({
        "golang.org/x/mod sumdb/note: checkpoint": 1,
        "golang.org/x/mod sumdb/tlog: record proofs": size,
        "golang.org/x/mod sumdb/tlog: tree proofs": size - 1,
        "golang.org/x/mod sumdb/tlog: old partial tiles": expect.any(Number),
        "transparency-dev/tessera client: checkpoint": 1,
        "transparency-dev/tessera client: entry bundles": Math.ceil(size / 256),
        "transparency-dev/tessera client: inclusion proofs of the entries read": size,
        "transparency-dev/tessera fsck: the whole log": 1,
        "filippo.io/torchwood: tlog-policy of the trust root": 1,
        "filippo.io/torchwood: checkpoint with its quorum": 1,
        "filippo.io/torchwood: entries": size,
        "filippo.io/torchwood: single entries with their proofs": Math.ceil(size / 50),
        "filippo.io/torchwood: a .dsse.json with its .tlog-proof": 5,
        "filippo.io/torchwood: refusals of a changed .dsse.json": 5,
      });
      const { codings } = said.at(-1) as { codings: Record<string, number> };
      expect(Object.keys(codings)).toEqual([coding]);
    },
  );

  it("Tessera's mirror of the log is one that we audit, and recover could use", {
    timeout: 120_000,
  }, async () => {
    const copy = join(folder, "mirrored-by-tessera");
    await run(TESSERA_MIRROR, [
      `--source_url=${server.address}/`,
      `--storage_dir=${copy}`,
      "--num_workers=2",
    ]);
    expect(existsSync(join(copy, "checkpoint"))).toBe(true);
    expect(await auditFolder(copy, "entries")).toMatchObject({ size, findings: [], entriesChecked: size });
  });

  it("Tessera's fsck finds nothing wrong with our mirror, and finds a changed tile", {
    timeout: 120_000,
  }, async () => {
    const copy = join(folder, "mirrored-by-us");
    const read = openSource(server.address, { fetch });
    await mirrorLog({ read, target: new CopyTarget(new FolderStore(copy)), trust, now: new Date() });
    expect(await ask(copy)).toMatchObject([{ passed: 1, total: 1 }]);
    expect(await auditFolder(copy, "everything")).toMatchObject({ size, findings: [], uncovered: [] });
    const [tile = ""] = readdirSync(join(copy, "tile/1/000.p")).map((name) =>
      join(copy, "tile/1/000.p", name),
    );
    writeFileSync(tile, Buffer.alloc(64, 1));
    expect(await ask(copy)).toMatchObject([{ passed: 0, total: 1 }]);
  });
});
