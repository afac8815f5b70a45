// An honest log passes, and the report says what was done.
import { beforeAll, describe, expect, it } from "vitest";
import { signPlatforms } from "../support/signing.ts";
import { auditServed, type HonestLog, honestLog, type Served, serve } from "./served-log.ts";

let honest: HonestLog;
let served: Served;
beforeAll(async () => {
  honest = await honestLog();
  served = await serve(honest.log);
});

describe("auditing an honest log", () => {
  it("finds nothing, and reports everything that it checked", async () => {
    const { trust, log } = honest;
    const report = await auditServed(served, trust);
    expect(report.findings).toEqual([]);
    expect(report).toMatchObject({
      origin: "log.example/touchstone",
      size: 10,
      cosigned: [{ name: "own.example", time: "2026-11-23T12:00:00.000Z" }],
      pin: { version: 1, digest: log.envelopes[0]!.payloadDigest },
      trust: "pinned",
      since: 0,
      entriesChecked: 10,
      signaturesChecked: 10,
      statusesRecomputed: 1,
      attachmentsChecked: 1,
      secondOpinion: "agrees",
      evidence: null,
    });
  });

  it("says so when it trusts the log's own entry 0", async () => {
    const report = await auditServed(served, null);
    expect(report.findings).toEqual([]);
    expect(report.trust).toBe("first-use");
    expect(report.pin?.digest).toBe(honest.log.envelopes[0]!.payloadDigest);
  });

  it("spans many bundles and levels", async () => {
    const { log, keys, trust } = await honestLog();
    for (const envelope of await signPlatforms(keys, "wide", 600)) await log.add(envelope);
    const report = await auditServed(await serve(log), trust);
    expect(report.findings).toEqual([]);
    expect(report).toMatchObject({ size: 610, entriesChecked: 610, secondOpinion: "agrees" });
  });
});
