// What an auditor remembers: a log that goes back or forks is caught, and an interrupted audit goes on where it was.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AuditState } from "../../src/auditor/audit-state.ts";
import { verifySplitView } from "../../src/auditor/split-view.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { NOW } from "../support/clock.ts";
import { signedCheckpoint } from "../support/notes.ts";
import { signPlatforms } from "../support/signing.ts";
import { logKey, ORIGIN, witnessKey } from "../support/witnesses.ts";
import {
  auditServed,
  codesOf,
  fetchFrom,
  flipBit,
  honestLog,
  placesOf,
  type Served,
  serve,
  without,
} from "./served-log.ts";

const DAY = 86_400_000;
let folder: string;
let stateFile: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-audit-"));
  stateFile = join(folder, "audit.db");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("a later audit", () => {
  it("checks only what is new, and still reports on the whole log", async () => {
    const { log, keys, trust } = await honestLog();
    await auditServed(await serve(log), trust, { stateFile });
    for (const envelope of await signPlatforms(keys, "later", 300)) await log.add(envelope);
    const served = await serve(log);
    const asked: string[] = [];
    const fetch: typeof globalThis.fetch = (input) => {
      asked.push(String(input));
      return fetchFrom(served)(input);
    };
    const report = await auditServed(served, trust, { stateFile, fetch });
    expect(report).toMatchObject({
      findings: [],
      since: 10,
      size: 310,
      entriesChecked: 310,
      attachmentsChecked: 1,
    });
    expect(asked.filter((path) => path.includes("attachments"))).toEqual([]);
    const again = await auditServed(served, trust, { stateFile, fetch: fetchFrom(withoutBundles(served)) });
    expect(again).toEqual({ ...report, since: 310 });
  });

  it("holds the newest trust root, policy and status that an earlier one replayed", async () => {
    const { log, keys, trust } = await honestLog();
    await auditServed(await serve(log), trust, { stateFile });
    log.smuggle(log.envelopes[9]!);
    const [platform] = await signPlatforms(keys, "p", 1);
    log.smuggle({ ...platform!, leaf: utf8("{}") });
    const report = await auditServed(await serve(log), trust, { stateFile });
    expect(placesOf(report)).toEqual(["entry-repeated@10", "entry-malformed@11"]);
    expect(placesOf(await auditServed(await serve(log), trust, { stateFile }))).toEqual(placesOf(report));
  });

  it("looks again at what was served wrong, and is content once it is right", async () => {
    const { log, trust, attachment } = await honestLog();
    const served = await serve(log);
    const missing = without(served, `v1/attachments/sha256/${attachment}`);
    for (let i = 0; i < 2; i++) {
      expect(codesOf(await auditServed(missing, trust, { stateFile }))).toEqual(["attachment-missing"]);
    }
    expect((await auditServed(served, trust, { stateFile })).findings).toEqual([]);
  });

  it("keeps to the pin of the first use", async () => {
    const { log } = await honestLog();
    await auditServed(await serve(log), null, { stateFile });
    const other = new Map(await serve(log));
    other.set("checkpoint", utf8(await log.checkpoint(10, NOW, "other.example/log")));
    expect(codesOf(await auditServed(other, null, { stateFile }))).toEqual(["checkpoint-origin"]);
  });
});

const withoutBundles = (served: Served) =>
  new Map([...served].filter(([path]) => !path.startsWith("tile/entries/")));

describe("a log that contradicts itself", () => {
  it("a smaller tree is shown beside the one that was seen", async () => {
    const { log, trust } = await honestLog();
    await auditServed(await serve(log), trust, { stateFile });
    const report = await auditServed(await serve(log, 9), trust, { stateFile });
    expect(codesOf(report)).toEqual(["checkpoint-rolled-back"]);
    expect(report.findings[0]?.message).toMatch(
      /seen before: size 10, root [0-9a-f]{64}; shown now: size 9, root [0-9a-f]{64}/,
    );
    expect(report.evidence).toEqual({ seen: await log.checkpoint(10), shown: await log.checkpoint(9) });
  });

  it("a fork of the same size", async () => {
    const { ours, theirs, trust } = await fork();
    await auditServed(await serve(ours), trust, { stateFile });
    const report = await auditServed(await serve(theirs), trust, { stateFile });
    expect(codesOf(report)).toEqual(["checkpoint-forked"]);
    expect(report.evidence).toEqual({ seen: await ours.checkpoint(), shown: await theirs.checkpoint() });
    expect(await verifySplitView(report.splitView!, trust)).toMatchObject({
      smaller: { size: 11 },
      larger: { size: 11 },
    });
    expect(codesOf(await auditServed(await serve(ours), trust, { stateFile }))).toEqual([]);
  });

  it("a tree grown from another history", async () => {
    const { ours, theirs, keys, trust } = await fork();
    await auditServed(await serve(ours), trust, { stateFile });
    for (const envelope of await signPlatforms(keys, "more", 300)) await theirs.add(envelope);
    const report = await auditServed(await serve(theirs), trust, { stateFile });
    expect(codesOf(report)).toEqual(["checkpoint-forked"]);
    const { smaller, larger } = await verifySplitView(report.splitView!, trust);
    expect([smaller, larger].map(({ size, cosignedBy }) => ({ size, cosignedBy }))).toEqual([
      { size: 11, cosignedBy: ["own.example"] },
      { size: 311, cosignedBy: ["own.example"] },
    ]);
  });

  it("a fork cannot hide behind a wrong tile", async () => {
    const { ours, theirs, keys, trust } = await fork();
    await auditServed(await serve(ours), trust, { stateFile });
    for (const envelope of await signPlatforms(keys, "more", 300)) await theirs.add(envelope);
    const served = await serve(theirs);
    const hidden = await auditServed(flipBit(served, "tile/0/000", 0), trust, { stateFile });
    expect(codesOf(hidden)).toContain("entry-differs");
    expect(codesOf(await auditServed(served, trust, { stateFile }))).toEqual(["checkpoint-forked"]);
  });

  it("a fork cannot hide behind a tile that is wrong only while it is proven", async () => {
    const { ours, theirs, keys, trust } = await fork();
    await auditServed(await serve(ours), trust, { stateFile });
    for (const envelope of await signPlatforms(keys, "more", 5)) await theirs.add(envelope);
    const served = await serve(theirs);
    const wrong = fetchFrom(flipBit(served, "tile/0/000.p/16", 0));
    let asked = 0;
    const fetch: typeof globalThis.fetch = (input) =>
      String(input).includes("tile/0/") && asked++ < 1 ? wrong(input) : fetchFrom(served)(input);
    const report = await auditServed(served, trust, { stateFile, fetch });
    expect(codesOf(report)).toEqual(["checkpoint-forked"]);
    expect(report.evidence?.seen).toBe(await ours.checkpoint());
  });

  it("a fork under a key that is not the log's convicts nobody, and says so", async () => {
    const { ours, theirs, trust } = await fork();
    await auditServed(await serve(ours), trust, { stateFile });
    const root = theirs.tree().roots.at(-1)!;
    const note = await signedCheckpoint(
      { origin: ORIGIN, size: 11, root },
      await logKey("stranger.example"),
      [[await witnessKey("own.example"), NOW.getTime() / 1000]],
    );
    const served = (await serve(theirs)).set("checkpoint", utf8(note));
    const report = await auditServed(served, trust, { stateFile });
    expect(codesOf(report)).toEqual(["checkpoint-forked", "checkpoint-signature"]);
    expect(report.splitView).toBeNull();
  });

  it("tiles that do not prove the consistency are no fork, but found", async () => {
    const { log, keys, trust } = await honestLog();
    await auditServed(await serve(log), trust, { stateFile });
    for (const envelope of await signPlatforms(keys, "later", 5)) await log.add(envelope);
    const report = await auditServed(flipBit(await serve(log), "tile/0/000.p/15", 0), trust, { stateFile });
    expect(placesOf(report)).toEqual(["entry-differs@0", "root-differs@-"]);
  });

  it("a renewed checkpoint of the same tree is none of that", async () => {
    const { log, trust } = await honestLog();
    await auditServed(await serve(log), trust, { stateFile });
    const later = new Date(NOW.getTime() + DAY / 2);
    const report = await auditServed(await serve(log, 10, later), trust, { stateFile, now: later });
    expect(report.findings).toEqual([]);
  });
});

/** Two logs with the same ten entries and another eleventh. */
async function fork() {
  const { log: ours, keys, trust } = await honestLog();
  const { log: theirs } = await honestLog();
  const [a, b] = await signPlatforms(keys, "eleventh", 2);
  await ours.add(a!);
  await theirs.add(b!);
  return { ours, theirs, keys, trust };
}

describe("an interrupted audit", () => {
  it("goes on, and reports the same, wherever it was interrupted", async () => {
    const { log, keys, trust } = await honestLog();
    log.smuggle(log.envelopes[3]!);
    for (const envelope of await signPlatforms(keys, "many", 600)) await log.add(envelope);
    for (const served of [await serve(log), flipBit(await serve(log), "tile/0/001", 77)]) {
      const whole = await auditServed(served, trust);
      expect(codesOf(whole)).toContain("entry-repeated");
      for (let answers = 0; ; answers++) {
        const file = join(folder, `${answers}-${served.size}-${codesOf(whole).length}.db`);
        const interrupted = await auditServed(served, trust, {
          stateFile: file,
          fetch: upTo(served, answers),
        }).catch((error: Error) => error);
        const resumed = await auditServed(served, trust, { stateFile: file });
        if (!(interrupted instanceof Error)) break;
        expect(interrupted.name).toBe("UnreachableError");
        expect(resumed, `after ${answers} answers`).toEqual(whole);
      }
    }
  });

  it("starts over when the tree it had begun was never real", async () => {
    const { ours, theirs, trust, keys } = await fork();
    for (const envelope of await signPlatforms(keys, "many", 300)) await theirs.add(envelope);
    const forged = (await serve(theirs)).set(
      "checkpoint",
      utf8(
        await signedCheckpoint(
          { origin: ORIGIN, size: 311, root: theirs.tree().roots.at(-1)! },
          await logKey("stranger.example"),
        ),
      ),
    );
    await expect(
      auditServed(forged, trust, { stateFile, fetch: failing(forged, "tile/0/001") }),
    ).rejects.toThrow();
    const report = await auditServed(await serve(ours), trust, { stateFile });
    expect(report).toMatchObject({ findings: [], entriesChecked: 11 });
  });
});

/** Answers so many requests, then the network is gone. */
function upTo(served: Served, answers: number): typeof fetch {
  let left = answers;
  return (input) =>
    left-- > 0 ? fetchFrom(served)(input) : Promise.reject(new Error("the network is gone"));
}

function failing(served: Served, path: string): typeof fetch {
  return (input) =>
    String(input).includes(path)
      ? Promise.reject(new Error("the network is gone"))
      : fetchFrom(served)(input);
}

describe("the state file", () => {
  it("is of one audit at a time", () => {
    const state = AuditState.open(stateFile);
    expect(() => AuditState.open(stateFile)).toThrow("in use by another audit");
    state.close();
    AuditState.open(stateFile).close();
  });

  it("is not made of another program's database", async () => {
    const { default: Sqlite } = await import("better-sqlite3");
    const other = new Sqlite(stateFile);
    other.exec("CREATE TABLE t (x)");
    other.close();
    expect(() => AuditState.open(stateFile)).toThrow("not the state file of an audit");
    expect(existsSync(stateFile)).toBe(true);
  });
});
