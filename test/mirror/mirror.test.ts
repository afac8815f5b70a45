// A mirror follows a running log: after every round the copy is a log by itself, which a stranger audits without the original.
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { audit } from "../../src/auditor/audit.ts";
import { AuditState } from "../../src/auditor/audit-state.ts";
import { openSource } from "../../src/auditor/log-source.ts";
import { CopyTarget } from "../../src/mirror/copy-target.ts";
import { type Mirrored, type MirrorOptions, mirrorLog } from "../../src/mirror/mirror.ts";
import { FolderStore } from "../../src/node/objects/folder-store.ts";
import { formatTrustFile, parseTrustFile, type TrustAnchor } from "../../src/verifier/bundle/trust-pin.ts";
import { NOW } from "../support/clock.ts";
import { ServiceHarness } from "../support/service-harness.ts";
import { signPlatforms, signStatement } from "../support/signing.ts";
import { trustRootPredicate } from "../support/trust-root.ts";

const DAY = 86_400_000;
let service: ServiceHarness;
let trust: TrustAnchor;
let folder: string;
/** Paths that the log was asked for. */
let asked: string[];

beforeEach(async () => {
  service = await ServiceHarness.start();
  const root = await service.log.read.readEntry(0);
  trust = parseTrustFile(formatTrustFile(root!.envelope));
  folder = mkdtempSync(join(tmpdir(), "touchstone-mirror-"));
  asked = [];
});
afterEach(async () => {
  await service.stop();
  rmSync(folder, { recursive: true, force: true });
});

const network: typeof fetch = async (input) => {
  const path = new URL(String(input)).pathname;
  asked.push(path.slice(1));
  return service.app.request(path);
};

function mirror(change: Partial<MirrorOptions> = {}): Promise<Mirrored> {
  const read = openSource("https://log.example", { fetch: network, retryDelaysMs: [] });
  return mirrorLog({
    read,
    target: new CopyTarget(new FolderStore(folder)),
    trust,
    now: new Date(),
    ...change,
  });
}

const grow = async (prefix: string, count: number) =>
  service.log.publish(await signPlatforms(service.keys, prefix, count));
const published = () => service.log.read.published()!;

/** What a stranger finds wrong with the copy alone. */
async function auditCopy(): Promise<unknown> {
  const state = AuditState.open(null);
  try {
    const { findings, size } = await audit({
      read: openSource(folder, { fetch: network }),
      trust,
      state,
      now: NOW,
    });
    expect(size).toBe(published().checkpoint.size);
    return findings;
  } finally {
    state.close();
  }
}

const at = (path: string) => join(folder, path);

describe("a mirror", () => {
  it("is complete after every round, through full tiles and attachments, and fetches only what is new", async () => {
    await service.publishPolicy();
    for (const count of [1, 250, 5, 600]) {
      await grow(`vm${count}`, count);
      const before = asked.length;
      const { outcome, size } = await mirror();
      expect([outcome, size]).toEqual(["grown", published().checkpoint.size]);
      expect(readFileSync(at("checkpoint"), "utf8")).toBe(published().note);
      expect(await auditCopy()).toEqual([]);
      expect(asked.slice(before)).toEqual([...new Set(asked.slice(before))]);
    }
    expect(readdirSync(at("checkpoints")).length).toBeGreaterThan(2);
    asked = [];
    expect(await mirror()).toMatchObject({ outcome: "unchanged", added: 0, missing: [] });
    expect(asked).toEqual(["checkpoint"]);
  });

  it("keeps every checkpoint that it saw, and shows the one that was cosigned last", async () => {
    await mirror();
    const first = published().note;
    service.logHarness.clock.now = new Date(NOW.getTime() + DAY);
    await grow("later", 1);
    await mirror();
    const notes = readdirSync(at("checkpoints"), { recursive: true, encoding: "utf8" })
      .filter((path) => /[0-9a-f]{64}$/.test(path))
      .map((path) => readFileSync(at(`checkpoints/${path}`), "utf8"));
    expect(notes.sort()).toEqual([first, published().note].sort());
  });

  it("follows the trust root of the log, also when it was not looking", async () => {
    await mirror();
    const predicate = await trustRootPredicate(service.keys, { version: 2, previous: trust.digest });
    const next = await signStatement("trust-root", predicate, service.keys.root.slice(0, 1));
    await service.log.publish([next, ...(await signPlatforms(service.keys, "after", 3))]);
    expect(await mirror()).toMatchObject({ outcome: "grown" });
    expect(JSON.parse(readFileSync(at("mirror.json"), "utf8"))).toMatchObject({ pin: { version: 1 } });
    const newest = parseTrustFile(formatTrustFile(next));
    expect(await mirror({ trust: newest })).toMatchObject({ pin: { digest: trust.digest } });
  });

  it("trusts the log's own entry 0 where it is told to, and keeps to it", async () => {
    const { pin } = await mirror({ trust: null });
    expect(pin).toEqual({ origin: trust.origin, version: 1, digest: trust.digest });
    expect(await mirror({ trust: null })).toMatchObject({ outcome: "unchanged", pin });
  });

  it("drops partial tiles when the full ones have been there for a day, and no earlier", async () => {
    await grow("few", 100);
    await mirror();
    await grow("many", 200);
    expect(await mirror()).toMatchObject({ removed: 0 });
    const partials = () =>
      readdirSync(at("tile/0"))
        .concat(readdirSync(at("tile/entries")))
        .filter((n) => n === "000.p");
    expect(partials()).toHaveLength(2);
    const at23h = new Date(Date.now() + 23 * 3_600_000);
    expect(await mirror({ now: at23h })).toMatchObject({ removed: 0 });
    const at25h = new Date(Date.now() + 25 * 3_600_000);
    expect(await mirror({ now: at25h })).toMatchObject({ removed: 2 });
    expect(partials()).toEqual([]);
    expect(await auditCopy()).toEqual([]);
  });

  it("keeps entry bundles compressed beside the plain ones where a web server wants them", async () => {
    await grow("some", 300);
    await mirror({ target: new CopyTarget(new FolderStore(folder, { gzip: true })) });
    for (const bundle of ["000", `001.p/${published().checkpoint.size - 256}`])
      expect(
        gunzipSync(readFileSync(at(`tile/entries/${bundle}.gz`))).equals(
          readFileSync(at(`tile/entries/${bundle}`)),
        ),
      ).toBe(true);
    expect(existsSync(at("tile/0/000.gz"))).toBe(false);
    await grow("more", 300);
    await mirror({ target: new CopyTarget(new FolderStore(folder, { gzip: true })) });
    const later = new Date(Date.now() + 2 * DAY);
    await mirror({ target: new CopyTarget(new FolderStore(folder, { gzip: true })), now: later });
    expect(await auditCopy()).toEqual([]);
  });

  it("does not fetch again what an interrupted copy wrote", async () => {
    await grow("some", 700);
    await mirror();
    rmSync(at("checkpoint"));
    rmSync(at("tile/entries/001"));
    asked = [];
    await mirror();
    expect(asked.filter((path) => path.startsWith("tile/entries/"))).toEqual(["tile/entries/001"]);
    expect(await auditCopy()).toEqual([]);
  });

  it("stops where a file of the copy has changed, and leaves it to its owner", async () => {
    await grow("some", 300);
    await mirror();
    await grow("more", 300);
    const tile = at(`tile/0/000`);
    const bytes = readFileSync(tile);
    bytes[100] = bytes[100]! ^ 1;
    writeFileSync(tile, bytes);
    rmSync(at("checkpoint"));
    await expect(mirror()).rejects.toThrow(/tile\/0\/000 has other bytes .* damaged/);
    rmSync(tile);
    await mirror();
    expect(await auditCopy()).toEqual([]);
  });

  it("copies another mirror just as well", async () => {
    await service.publishPolicy();
    await grow("some", 300);
    await mirror();
    const second = mkdtempSync(join(tmpdir(), "touchstone-mirror-"));
    try {
      const read = openSource(folder, { fetch: network });
      await mirror({ read, target: new CopyTarget(new FolderStore(second)) });
      expect(readFileSync(join(second, "checkpoint"))).toEqual(readFileSync(at("checkpoint")));
    } finally {
      rmSync(second, { recursive: true });
    }
  });

  it("is not rewritten where nothing changed: a web server's entity tags stay", async () => {
    await mirror();
    const past = new Date(Date.now() - DAY);
    utimesSync(at("checkpoint"), past, past);
    await mirror();
    expect(statSync(at("checkpoint")).mtime).toEqual(past);
  });
});
