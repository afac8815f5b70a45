// The file in which an audit remembers: it survives an audit that goes back, and a newer program.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, expect, it } from "vitest";
import { AuditState } from "../../src/auditor/audit-state.ts";
import { auditServed, flipBit, honestLog, placesOf, serve } from "./served-log.ts";

let folder: string;
let stateFile: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-state-"));
  stateFile = join(folder, "audit.db");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("of the first version keeps what was seen, and replays the log again", async () => {
  const { log, trust } = await honestLog();
  const served = await serve(log);
  await auditServed(served, trust, { stateFile });
  const database = new Sqlite(stateFile);
  database.exec("DROP TABLE records; CREATE TABLE records (idx INTEGER PRIMARY KEY, digest BLOB) STRICT");
  database.exec("DELETE FROM memory WHERE name = 'seed'");
  database.pragma("user_version = 1");
  database.close();
  const state = AuditState.open(stateFile);
  expect(state.memory).toMatchObject({ seen: { size: 10 }, completed: 0, head: { size: 0 } });
  state.close();
  const report = await auditServed(served, trust, { stateFile });
  expect(report).toMatchObject({ findings: [], since: 0, entriesChecked: 10 });
  const older = await auditServed(await serve(log, 9), trust, { stateFile });
  expect(placesOf(older)).toContain("checkpoint-rolled-back@-");
});

it("finds an entry by digest and by name after it was closed, and none that was taken back", async () => {
  const { log, trust } = await honestLog();
  const served = await serve(log);
  const broken = await auditServed(flipBit(served, "tile/0/000.p/10", 1), trust, { stateFile });
  expect(broken.findings).not.toEqual([]);
  const { payloadDigest, statement } = log.envelopes[3]!;
  const asked = { digests: [payloadDigest], identities: [statement] };
  const lookup = async () => {
    const state = AuditState.open(stateFile);
    const { entries, identities } = await state.records.lookup(asked);
    state.close();
    return [...entries, ...identities].map(({ index }) => index);
  };
  expect(await lookup()).toEqual([]);
  await auditServed(served, trust, { stateFile });
  expect(await lookup()).toEqual([3, 3]);
});
