// How much of a log an audit looks at: what each depth finds, and that it says what it left out.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AUDIT_DEPTHS, type AuditDepth } from "../../src/auditor/coverage.ts";
import { NOW } from "../support/clock.ts";
import {
  addKernel,
  auditServed,
  codesOf,
  flipBit,
  type HonestLog,
  honestLog,
  type Served,
  serve,
  without,
} from "./served-log.ts";

let honest: HonestLog;
let served: Served;
let folder: string;
beforeEach(async () => {
  honest = await honestLog();
  served = await serve(honest.log);
  folder = mkdtempSync(join(tmpdir(), "touchstone-coverage-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const at = (depth: AuditDepth, from = served, change: object = {}) =>
  auditServed(from, honest.trust, { depth, ...change });
const partsOf = ({ uncovered }: { readonly uncovered: ReadonlyArray<{ readonly part: string }> }) =>
  uncovered.map(({ part }) => part);

describe("an audit of an honest log", () => {
  it.each([
    ["tiles", ["entries", "attachments"], [0, 0, 0]],
    ["entries", ["attachments"], [10, 10, 0]],
    ["everything", [], [10, 10, 1]],
  ] as const)("at depth %s finds nothing, and lists what it left out", async (depth, parts, counts) => {
    const report = await at(depth);
    expect(report).toMatchObject({ depth, findings: [], secondOpinion: "agrees", size: 10 });
    expect(partsOf(report)).toEqual(parts);
    expect([report.entriesChecked, report.signaturesChecked, report.attachmentsChecked]).toEqual(counts);
  });
});

describe("at each depth", () => {
  const found = async (tampered: Served) =>
    Object.fromEntries(
      await Promise.all(AUDIT_DEPTHS.map(async (depth) => [depth, codesOf(await at(depth, tampered))])),
    );

  it("a wrong tile is found", async () => {
    const all = Object.values(await found(flipBit(served, "tile/0/000.p/10", 40))) as string[][];
    for (const codes of all) expect(codes).toContain("root-differs");
  });

  it("a wrong entry is found by those that read entries", async () => {
    expect(await found(flipBit(served, "tile/entries/000.p/10", 40))).toEqual({
      tiles: [],
      entries: ["entry-differs"],
      everything: ["entry-differs"],
    });
  });

  it("a missing attachment is found by the one that reads them", async () => {
    expect(await found(without(served, `v1/attachments/sha256/${honest.attachment}`))).toEqual({
      tiles: [],
      entries: [],
      everything: ["attachment-missing"],
    });
  });

  it("an old checkpoint is found", async () => {
    for (const depth of AUDIT_DEPTHS) {
      const report = await at(depth, served, { now: new Date(NOW.getTime() + 400 * 86_400_000) });
      expect(codesOf(report)).toContain("checkpoint-stale");
    }
  });
});

it("what is behind a missing entry is named as not judged", async () => {
  const report = await at("everything", without(served, "tile/entries/000.p/10"));
  expect(codesOf(report)).toEqual(["bundle-missing"]);
  expect(partsOf(report)).toEqual(["entries"]);
});

it("a tree that cannot be followed to its end is named", async () => {
  const report = await at("tiles", without(served, "tile/0/000.p/10"));
  expect(codesOf(report)).toEqual(["tile-missing"]);
  expect(partsOf(report)).toContain("tree");
});

describe("with a state file", () => {
  const stateFile = () => join(folder, "audit.db");

  it("attachments that a shallow audit left out are made up for by the next deep one", async () => {
    const tampered = without(served, `v1/attachments/sha256/${honest.attachment}`);
    expect(codesOf(await at("entries", tampered, { stateFile: stateFile() }))).toEqual([]);
    expect(codesOf(await at("everything", tampered, { stateFile: stateFile() }))).toEqual([
      "attachment-missing",
    ]);
  });

  it("an audit of tiles takes nothing from a deep one, and adds nothing to it", async () => {
    await at("everything", served, { stateFile: stateFile() });
    await addKernel(honest.log, honest.keys, {}, "another");
    const grown = await serve(honest.log);
    expect(await at("tiles", grown, { stateFile: stateFile() })).toMatchObject({
      findings: [],
      since: 0,
      entriesChecked: 0,
    });
    expect(await at("everything", grown, { stateFile: stateFile() })).toMatchObject({
      findings: [],
      since: 10,
      entriesChecked: 11,
    });
  });

  it("an audit of tiles notices that the log went back", async () => {
    await at("tiles", served, { stateFile: stateFile() });
    const report = await at("tiles", await serve(honest.log, 9), { stateFile: stateFile() });
    expect(codesOf(report)).toEqual(["checkpoint-rolled-back"]);
    expect(partsOf(report)).toContain("tree");
  });
});
