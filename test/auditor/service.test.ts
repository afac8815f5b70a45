// The real service, audited over its own HTTP interface while it grows.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { audit } from "../../src/auditor/audit.ts";
import type { AuditReport } from "../../src/auditor/audit-report.ts";
import { AuditState } from "../../src/auditor/audit-state.ts";
import { openSource } from "../../src/auditor/log-source.ts";
import { parseLeaf } from "../../src/protocol/envelope/dsse.ts";
import { formatTrustFile, parseTrustFile } from "../../src/verifier/bundle/trust-pin.ts";
import { ServiceHarness } from "../support/service-harness.ts";
import { signPlatforms } from "../support/signing.ts";

let harness: ServiceHarness;
let folder: string;
beforeEach(async () => {
  harness = await ServiceHarness.start();
  folder = mkdtempSync(join(tmpdir(), "touchstone-audit-service-"));
});
afterEach(async () => {
  await harness.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function auditService(): Promise<AuditReport> {
  const entry = await harness.log.read.entry(0);
  const trust = parseTrustFile(formatTrustFile(parseLeaf(entry!.leaf)));
  const state = AuditState.open(join(folder, "audit.db"));
  const fetch: typeof globalThis.fetch = async (input) => harness.app.request(String(input));
  try {
    const read = openSource("https://log.example", { fetch, retryDelaysMs: [] });
    return await audit({ read, trust, state, now: harness.logHarness.clock.now });
  } finally {
    state.close();
  }
}

it("an honest service is found honest, at every size", async () => {
  expect(await auditService()).toMatchObject({ findings: [], since: 0 });
  await harness.publishPolicy();
  const second = await auditService();
  expect(second.findings).toEqual([]);
  expect(second.statusesRecomputed).toBeGreaterThan(0);
  await harness.log.publish(await signPlatforms(harness.keys, "wide", 300));
  const third = await auditService();
  expect(third).toMatchObject({ findings: [], since: second.size, secondOpinion: "agrees" });
  expect(third.entriesChecked).toBe(third.size);
});
