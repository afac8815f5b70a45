// No RA-TLS certificate of a real TDX machine is public. Real quotes in certificates made here must be read, and must never be bound.
import { expect, test } from "vitest";
import { concatBytes } from "../../../src/protocol/encoding/bytes.ts";
import { decodeHex } from "../../../src/protocol/encoding/hex.ts";
import { makeKeyPair, makeRaTlsCertificate } from "../../../src/testing/index.ts";
import { bindingOfCertificate, verifyBinding } from "../../../src/verifier/ra-tls/binding.ts";
import { readCertificateEvidence, tdxQuoteOf } from "../../../src/verifier/ra-tls/certificate-evidence.ts";
import { parseTdxQuote } from "../../../src/verifier/tdx/quote.ts";
import { describeReal, realData } from "../../support/real-data.ts";
import { outcomeOf } from "../../support/refusals.ts";
import { contrastEvidence, diceClaims, diceEvidence, doubled, OID } from "./containers.ts";

const QUOTES = [
  ["cos-113-v4-ccel-outofdate", 4],
  ["dcap-qvl-v4-uptodate", 4],
  ["dstack-v4-event-log", 4],
  ["trustee-v4-debug", 4],
  ["go-tdx-guest-v5-uptodate", 5],
  ["trustee-v5-service-td", 5],
  ["dcap-qvl-v5-no-tcb-level", 5],
] as const;
const validity = { notBefore: new Date("2026-01-01T00:00:00Z"), notAfter: new Date("2026-12-31T00:00:00Z") };
const nonce = new Uint8Array(32);

describeReal("a real quote behind a key it was not made for", () => {
  test.each(QUOTES)("%s is read from each form and refused by its binding", async (name, version) => {
    const quote = realData(`evidence/tdx/${name}/quote.bin`);
    const key = await makeKeyPair("P-256");
    const forms: Array<[string, Uint8Array]> = [
      [OID.dice, diceEvidence(quote, diceClaims(key.spki, nonce))],
      [OID.dstackQuote, doubled(quote)],
    ];
    if (version === 4) forms.push([OID.contrast, contrastEvidence(quote)]);
    for (const extension of forms) {
      const fields = { ...validity, commonName: "node", extensions: [extension] };
      const evidence = readCertificateEvidence((await makeRaTlsCertificate(key, fields)).der);
      const found = tdxQuoteOf(evidence);
      const trailing = quote.subarray(found.length);
      expect(concatBytes(found, trailing)).toEqual(quote);
      const { reportData } = parseTdxQuote(found).body;
      const binding = bindingOfCertificate(evidence, nonce)!;
      expect(await outcomeOf(() => verifyBinding(decodeHex(reportData), binding))).toBe("binding");
    }
  });
});
