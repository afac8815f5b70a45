// Whatever a tool's file holds, reading it ends with a value or with a MalformedError: nothing else is thrown, and nothing is accepted that
// the verifier's parsers would refuse.
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { collateralFrom } from "../../../src/attester/forms/collateral.ts";
import { readDeviceEvidence } from "../../../src/attester/forms/device-evidence.ts";
import { readEventLog } from "../../../src/attester/forms/event-log.ts";
import { readQuoteEvidence } from "../../../src/attester/forms/quote-evidence.ts";
import { readRevocation } from "../../../src/attester/forms/revocation.ts";
import { readSavedAnswer } from "../../../src/attester/forms/saved-answer.ts";
import { decodeBase64, encodeBase64 } from "../../../src/protocol/encoding/base64.ts";
import { encodeHex } from "../../../src/protocol/encoding/hex.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { MalformedError } from "../../../src/protocol/errors.ts";
import { parseTdxQuote } from "../../../src/verifier/tdx/quote.ts";
import { machineOf } from "../../support/appraisal-world.ts";
import { asCurlWrites, asDcapQvlWrites, pccsAnswers } from "../../support/vendor-answers.ts";
import { contrastEvidence } from "../../verifier/ra-tls/containers.ts";

const PLATFORM = { fmspc: "90c06f000000", pckIssuer: "Intel SGX PCK Platform CA" };

const readers: Readonly<Record<string, (bytes: Uint8Array) => unknown>> = {
  quote: readQuoteEvidence,
  "event log": readEventLog,
  devices: readDeviceEvidence,
  revocation: (bytes) => readRevocation(readSavedAnswer("file", bytes)),
  collateral: (bytes) => collateralFrom([readSavedAnswer("file", bytes)], PLATFORM),
};

const samples: Record<string, Uint8Array[]> = {};
beforeAll(async () => {
  const { evidence } = await machineOf();
  const { tdx, gpus } = evidence;
  const quote = decodeBase64(tdx.quote);
  const device = {
    arch: "LS10",
    certificate: encodeBase64(utf8(gpus[0]?.chain ?? "")),
    evidence: gpus[0]?.report,
  };
  samples.quote = [
    quote,
    utf8(encodeHex(quote)),
    contrastEvidence(quote),
    utf8(JSON.stringify({ quote: tdx.quote, cc_eventlog: tdx.eventLog?.data })),
  ];
  samples["event log"] = [decodeBase64(tdx.eventLog?.data ?? ""), utf8("[]")];
  samples.devices = [utf8(JSON.stringify([device]))];
  samples.revocation = [...(gpus[0]?.ocsp ?? []), ...(gpus[0]?.crls ?? [])].map(decodeBase64);
  samples.collateral = [
    utf8(JSON.stringify(tdx.collateral)),
    utf8(asDcapQvlWrites(tdx.collateral, "")),
    ...pccsAnswers(tdx.collateral, PLATFORM.fmspc).map((answer) => new Uint8Array(asCurlWrites(answer))),
  ];
});

function endsWell(read: (bytes: Uint8Array) => unknown, bytes: Uint8Array): void {
  try {
    read(bytes);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}

describe.each(Object.entries(readers))("%s", (name, read) => {
  it("any bytes", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => endsWell(read, bytes)));
  });

  it("any JSON, and any text", () => {
    const text = fc.oneof(fc.json(), fc.string(), fc.string({ unit: "grapheme" }));
    fc.assert(fc.property(text, (value) => endsWell(read, utf8(value))));
  });

  it("a good file with a few bytes changed, cut or added", () => {
    const good = samples[name] ?? [];
    expect(good.length).toBeGreaterThan(0);
    const change = fc.record({
      which: fc.nat(good.length - 1),
      at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 4 }),
      cut: fc.boolean(),
    });
    fc.assert(
      fc.property(change, ({ which, at, bytes, cut }) => {
        const file = Uint8Array.from(good[which] ?? []);
        const place = Math.floor(at * file.length);
        file.set(bytes.subarray(0, file.length - place), place);
        endsWell(read, cut ? file.subarray(0, place) : file);
      }),
    );
  });
});

it("a quote is never longer than what is signed: anything may follow it", () => {
  const [quote = new Uint8Array()] = samples.quote ?? [];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (tail) => {
      const shown = readQuoteEvidence(Buffer.concat([quote, tail])).quote;
      expect(Buffer.compare(shown, quote)).toBe(0);
      expect(parseTdxQuote(shown).trailingBytes).toBe(0);
    }),
  );
});

it("a header without an end, percent signs that encode nothing", () => {
  expect(() => readSavedAnswer("file", utf8("HTTP/1.1 200 OK\r\nA: b"))).toThrow(MalformedError);
  const answer = readSavedAnswer("file", utf8("HTTP/1.1 200 OK\r\nTCB-Info-Issuer-Chain: %zz\r\n\r\n"));
  expect(() => collateralFrom([answer], PLATFORM)).toThrow(MalformedError);
});
