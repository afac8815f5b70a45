// Statuses that state an index: an audit builds it again from the entries, and a root that does not follow from them convicts whoever signed it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AuditState } from "../../src/auditor/audit-state.ts";
import type { Predicate } from "../../src/protocol/entry/kinds.ts";
import type { TrustRoot } from "../../src/protocol/entry/trust-root.ts";
import { formatTrustFile, parseTrustFile } from "../../src/verifier/bundle/trust-pin.ts";
import { statusPredicate } from "../support/document-predicates.ts";
import { FoundedLog } from "../support/founded-log.ts";
import { indexRootOf } from "../support/index-of.ts";
import { signPlatforms, signStatement } from "../support/signing.ts";
import { auditServed, placesOf, serve } from "./served-log.ts";

let folder: string;
let stateFile: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-audit-index-"));
  stateFile = join(folder, "audit.db");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

type Stated = Predicate<"status">["index"];
const trustIn = (log: FoundedLog) => parseTrustFile(formatTrustFile(log.envelopes[0]!));
const indexAt = (log: FoundedLog, size = log.envelopes.length) => ({
  size,
  root: indexRootOf(log.envelopes.slice(0, size)),
});
const publishIndexed = (log: FoundedLog, size = log.envelopes.length) =>
  log.publishStatus({ treeSize: size, index: indexAt(log, size) });
const publishPlatforms = async (log: FoundedLog, prefix: string, count: number) => {
  for (const envelope of await signPlatforms(log.keys, prefix, count)) await log.add(envelope);
};
const changeRoot = async (log: FoundedLog, change: Partial<TrustRoot>) =>
  log.publish("trust-root", await log.nextRoot(change), log.keys.root);
const smuggleStatus = async (log: FoundedLog, change: Partial<Predicate<"status">>) =>
  log.smuggle(await signStatement("status", statusPredicate(log.inForce, change), [log.keys.status]));
const audited = async (log: FoundedLog, file?: string) =>
  auditServed(await serve(log), trustIn(log), file === undefined ? {} : { stateFile: file });

describe("an audit of a log with an index", () => {
  it("finds nothing where every status states what follows, of its own size or of one before", async () => {
    const log = await FoundedLog.found({ index: true });
    await publishIndexed(log);
    await log.publishPolicy(await log.publishRelease());
    await publishIndexed(log);
    await publishPlatforms(log, "many", 300);
    await publishIndexed(log, 100);
    await publishIndexed(log, 290);
    await publishIndexed(log);
    expect(await audited(log)).toMatchObject({ findings: [], statusesRecomputed: 5 });
  });

  it.each<[string, (log: FoundedLog) => Stated]>([
    ["another root", (log) => ({ ...indexAt(log), root: "ab".repeat(32) })],
    [
      "the root of an index that lacks the newest entry",
      (log) => ({ ...indexAt(log), root: indexAt(log, log.envelopes.length - 1).root }),
    ],
    [
      "the root of an index that lacks an entry in the middle",
      (log) => ({ ...indexAt(log), root: indexRootOf(log.envelopes.toSpliced(3, 1)) }),
    ],
    ["none", () => null],
  ])("convicts a log whose status states %s", async (_what, lie) => {
    const log = await FoundedLog.found({ index: true });
    await log.publishRelease();
    const at = await smuggleStatus(log, { index: lie(log) });
    expect(placesOf(await audited(log))).toEqual([`rule-status-not-true@${at}`]);
  });

  it("convicts one that states an index where its trust root has none", async () => {
    const log = await FoundedLog.found();
    const at = await smuggleStatus(log, { index: indexAt(log) });
    expect(placesOf(await audited(log))).toEqual([`rule-status-not-true@${at}`]);
  });

  it("goes on from a state file, and finds a lie that is told later", async () => {
    const log = await FoundedLog.found({ index: true });
    await publishPlatforms(log, "first", 300);
    await publishIndexed(log, 120);
    expect(await audited(log, stateFile)).toMatchObject({ findings: [] });
    await publishPlatforms(log, "second", 40);
    await publishIndexed(log, 330);
    expect(await audited(log, stateFile)).toMatchObject({ findings: [], since: 302 });
    const at = await smuggleStatus(log, { index: { ...indexAt(log), root: indexAt(log, 330).root } });
    expect(placesOf(await audited(log, stateFile))).toEqual([`rule-status-not-true@${at}`]);
  });

  it("replays a log from its beginning once where a trust root asks for an index later, and none after that", async () => {
    const log = await FoundedLog.found();
    await publishPlatforms(log, "before", 20);
    await log.publishStatus();
    await audited(log, stateFile);
    await changeRoot(log, { index: true });
    await publishIndexed(log);
    expect(await audited(log, stateFile)).toMatchObject({ findings: [], since: 0, entriesChecked: 24 });
    await changeRoot(log, { index: false });
    await log.publishStatus();
    expect(await audited(log, stateFile)).toMatchObject({ findings: [], since: 24, entriesChecked: 26 });
    const fresh = await audited(log);
    expect(fresh).toMatchObject({ findings: [], entriesChecked: 26, statusesRecomputed: 3 });
    await changeRoot(log, { index: true });
    const at = await smuggleStatus(log, { index: { ...indexAt(log), root: indexAt(log, 5).root } });
    expect(placesOf(await audited(log, stateFile))).toEqual([`rule-status-not-true@${at}`]);
    expect(placesOf(await audited(log))).toEqual([`rule-status-not-true@${at}`]);
  });

  it("draws the root of the next status, and judges a smaller one all the same", async () => {
    const log = await FoundedLog.found({ index: true });
    await publishPlatforms(log, "some", 12);
    await audited(log, stateFile);
    const state = AuditState.open(stateFile);
    expect(state.drawIndex()).toBe(indexAt(log).root);
    state.close();
    await publishIndexed(log, 5);
    expect(await audited(log, stateFile)).toMatchObject({ findings: [] });
  });
});
