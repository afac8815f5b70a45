// Bytes that are small and once took seconds to minutes to refuse: text of nothing but spaces, half a million empty fields, strings of
// megabytes. Each must be refused at once, as malformed and as nothing else. The limits are a hundred times what it takes.
import { describe, expect, it } from "vitest";
import { MAX_BUNDLE_BYTES, parsePolicyBundle } from "../../src/protocol/bundle/policy-bundle.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { MAX_EVIDENCE_BYTES, parseEvidence } from "../../src/verifier/evidence.ts";
import { parseContrastEvidence } from "../../src/verifier/ra-tls/contrast.ts";
import { parsePemCertificates } from "../../src/verifier/x509/pem.ts";
import { malformedOf } from "../support/refusals.ts";

const KIB = 1024;
const emptyFields = (bytes: number) => Uint8Array.from({ length: bytes }, (_, i) => (i % 2 ? 0 : 0x0a));
const quoted = (text: string, bytes: number) => utf8(`"${text.repeat((bytes - 2) / text.length)}"`);

describe("hostile bytes that once took long", () => {
  it.each<[string, number, () => unknown]>([
    ["64 KiB of spaces for a PCK chain", 1000, () => parsePemCertificates(`x${" ".repeat(64 * KIB)}x`, 3)],
    [
      "1 MiB of empty fields for Contrast's evidence",
      4000,
      () => parseContrastEvidence(emptyFields(KIB ** 2)),
    ],
    ["8 MiB of one string", 4000, () => parsePolicyBundle(quoted("a", MAX_BUNDLE_BYTES))],
    ["8 MiB of escaped quotes", 4000, () => parsePolicyBundle(quoted('\\"', MAX_BUNDLE_BYTES))],
    ["8 MiB of backslashes", 4000, () => parsePolicyBundle(quoted("\\", MAX_BUNDLE_BYTES))],
    ["4 MiB of one string", 4000, () => parseEvidence(quoted("a", MAX_EVIDENCE_BYTES))],
  ])("%s", async (_, limit, read) => {
    const started = performance.now();
    expect(await malformedOf(read)).toBeDefined();
    expect(performance.now() - started).toBeLessThan(limit);
  });
});
