// Evidence of every broken kind: appraisal answers "rejected", never throws, and never trusts a machine that said something else.
import { beforeAll, describe, expect, test, vi } from "vitest";
import { decodeBase64, encodeBase64 } from "../../../src/protocol/encoding/base64.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { encodeEvidence, type Machine } from "../../../src/testing/index.ts";
import { APPRAISAL_CHECKS } from "../../../src/verifier/appraisal/appraisal-checks.ts";
import { appraiseEvidence } from "../../../src/verifier/appraisal/appraise.ts";
import type { Verdict } from "../../../src/verifier/appraisal/verdict.ts";
import type { EvidenceDocument } from "../../../src/verifier/evidence.ts";
import { failedIds, machineOf, makeWorld, optionsFor, type World } from "../../support/appraisal-world.ts";

let good: Machine;
let world: World;
beforeAll(async () => {
  good = await machineOf({ eventLog: "ccel" });
  world = await makeWorld(good);
});

async function judgeBytes(bytes: Uint8Array): Promise<Verdict> {
  const verdict = await appraiseEvidence(world.verified, bytes, optionsFor(good));
  expect(verdict.checks.map(({ id }) => id)).toEqual([...APPRAISAL_CHECKS]);
  return verdict;
}
const judgeDocument = (document: unknown) => judgeBytes(utf8(JSON.stringify(document)));

describe("evidence.json that cannot be read", () => {
  test.each<[string, () => Uint8Array]>([
    ["nothing", () => new Uint8Array()],
    ["zeros", () => new Uint8Array(1000)],
    ["not JSON", () => utf8("<html>502 Bad Gateway</html>")],
    ["null", () => utf8("null")],
    ["deep nesting", () => utf8(`${"[".repeat(5000)}${"]".repeat(5000)}`)],
    ["a duplicate member", () => utf8(JSON.stringify(good.evidence).replace("{", '{"version":1,'))],
    ["more than 4 MiB", () => new Uint8Array(4 * 1024 * 1024 + 1).fill(32)],
    ["broken UTF-8", () => Uint8Array.of(0xc3, 0x28)],
  ])("%s: rejected by evidence.format, and every check of the evidence stays open", async (_, bytes) => {
    const verdict = await judgeBytes(bytes());
    expect(verdict.verdict).toBe("rejected");
    expect(failedIds(verdict)).toEqual(["evidence.format"]);
  });

  test("truncated anywhere: rejected", async () => {
    const bytes = encodeEvidence(good.evidence);
    for (let length = 0; length < bytes.length; length += 1009) {
      const verdict = await judgeBytes(bytes.subarray(0, length));
      expect(failedIds(verdict), `${length} bytes`).toContain("evidence.format");
    }
  });
});

test("many platforms in a policy buy no more signature verifications for the same evidence", async () => {
  const verifications = vi.spyOn(crypto.subtle, "verify");
  const bytes = encodeEvidence(good.evidence);
  const { policy } = world.verified;
  const counts: number[] = [];
  for (const many of [1, 64]) {
    verifications.mockClear();
    const profiles = policy.profiles.map((p) => ({ ...p, platforms: Array(many).fill(p.platforms[0]) }));
    const bundle = { ...world.verified, policy: { ...policy, profiles } };
    expect((await appraiseEvidence(bundle, bytes, optionsFor(good))).verdict).toBe("trusted");
    counts.push(verifications.mock.calls.length);
  }
  verifications.mockRestore();
  expect(counts[1]).toBe(counts[0]);
});

test("an event log that cannot be read is rejected by evidence.event-log", async () => {
  const { tdx } = good.evidence;
  const eventLog = { format: "ccel", data: encodeBase64(new Uint8Array(40).fill(7)) } as const;
  const verdict = await judgeDocument({ ...good.evidence, tdx: { ...tdx, eventLog } });
  expect(failedIds(verdict)).toEqual(["evidence.event-log"]);
});

/** The binary parts of the document, each with how to put another in its place. */
const PARTS: Array<
  [string, (d: EvidenceDocument) => string, (d: EvidenceDocument, part: string) => EvidenceDocument]
> = [
  ["the quote", (d) => d.tdx.quote, (d, quote) => ({ ...d, tdx: { ...d.tdx, quote } })],
  [
    "the GPU's report",
    (d) => d.gpus[0]!.report,
    (d, report) => ({ ...d, gpus: [{ ...d.gpus[0]!, report }] }),
  ],
  [
    "the first OCSP answer",
    (d) => d.gpus[0]!.ocsp[0]!,
    (d, answer) => ({ ...d, gpus: [{ ...d.gpus[0]!, ocsp: [answer, ...d.gpus[0]!.ocsp.slice(1)] }] }),
  ],
];

describe("every binary part, broken", () => {
  test.each(PARTS)("%s truncated: rejected", async (_, read, write) => {
    const part = decodeBase64(read(good.evidence));
    for (let length = 0; length < part.length; length += Math.ceil(part.length / 40)) {
      const verdict = await judgeDocument(write(good.evidence, encodeBase64(part.subarray(0, length))));
      expect(verdict.verdict, `${length} bytes`).toBe("rejected");
    }
  });

  test.each(PARTS)("%s with one bit flipped: rejected", async (_, read, write) => {
    const part = decodeBase64(read(good.evidence));
    const survivors: number[] = [];
    for (let at = 0; at < part.length; at += Math.ceil(part.length / 150)) {
      const flipped = Uint8Array.from(part);
      flipped[at] = part[at]! ^ (1 << (at % 8));
      const { verdict } = await judgeDocument(write(good.evidence, encodeBase64(flipped)));
      if (verdict === "trusted") survivors.push(at);
    }
    expect(survivors).toEqual([]);
  });

  test("a collateral document with one character changed: rejected", async () => {
    const { tdx } = good.evidence;
    for (const field of Object.keys(tdx.collateral) as (keyof typeof tdx.collateral)[]) {
      const text = tdx.collateral[field];
      const middle = Math.floor(text.length / 2);
      const changed = `${text.slice(0, middle)}${text[middle] === "0" ? "1" : "0"}${text.slice(middle + 1)}`;
      const verdict = await judgeDocument({
        ...good.evidence,
        tdx: { ...tdx, collateral: { ...tdx.collateral, [field]: changed } },
      });
      expect(verdict.verdict, field).toBe("rejected");
    }
  });
});
