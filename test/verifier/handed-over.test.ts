// What people hand over in place of evidence: the refusal says what it looks like, or which names are wanted, and what to do.
import { describe, expect, it } from "vitest";
import { encodeBase64 } from "../../src/protocol/encoding/base64.ts";
import { encodeHex } from "../../src/protocol/encoding/hex.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { bootEvents, encodeEvidence, makeCcel, makeDstackLog } from "../../src/testing/index.ts";
import { parseEvidence } from "../../src/verifier/evidence.ts";
import { parseTdxCollateral } from "../../src/verifier/tdx/collateral.ts";
import { parseEventLog } from "../../src/verifier/tdx/event-log.ts";
import { parseTdxQuote } from "../../src/verifier/tdx/quote.ts";
import { parsePemCertificates, pemTextOf } from "../../src/verifier/x509/pem.ts";
import { machineOf } from "../support/appraisal-world.ts";
import { malformedOf } from "../support/refusals.ts";

const machine = await machineOf();
const { evidence } = machine;
const quote = Uint8Array.from(Buffer.from(evidence.tdx.quote, "base64"));
const snakeCase = (text: string) => text.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const inSnakeCase = (value: object) =>
  Object.fromEntries(Object.entries(value).map(([name, member]) => [snakeCase(name), member]));

const messageOf = async (parse: () => unknown) => (await malformedOf(parse))?.message;

describe("in place of a quote", () => {
  it.each<[string, Uint8Array, string]>([
    ["hex text", utf8(encodeHex(quote)), "it looks like hex text, decode it first (xxd -r -p)"],
    ["hex text with 0x", utf8(`0x${encodeHex(quote)}\n`), "it looks like hex text, decode it first"],
    ["base64 text", utf8(encodeBase64(quote)), "it looks like base64 text, decode it first (base64 -d)"],
    ["the answer of a quote API", utf8(JSON.stringify({ quote: encodeHex(quote) })), 'JSON with "quote"'],
    ["evidence.json", encodeEvidence(evidence), 'JSON with "version", "tdx"'],
    ["a PEM file", utf8(evidence.gpus[0]!.chain), "it looks like PEM (CERTIFICATE)"],
  ])("%s", async (_, bytes, message) => {
    expect(await messageOf(() => parseTdxQuote(bytes))).toContain(message);
  });
});

describe("in place of collateral", () => {
  const { collateral } = evidence.tdx;
  it.each<[string, string | Uint8Array, string]>([
    [
      "collateral-snake-case",
      JSON.stringify(inSnakeCase(collateral)),
      "the names are in snake_case; write tcbInfo, tcbInfoSignature, tcbInfoIssuerChain, qeIdentity",
    ],
    [
      "an answer of Intel's service as it came",
      JSON.stringify({ enclaveIdentity: {}, signature: "00" }),
      "it has none of the members tcbInfo, tcbInfoSignature",
    ],
    ["a quote", quote, "TDX collateral: no JSON"],
    ["a PEM file", evidence.gpus[0]!.chain, "it looks like PEM (CERTIFICATE)"],
  ])("%s", async (_, input, message) => {
    expect(await messageOf(() => parseTdxCollateral(input))).toContain(message);
  });

  it("hex in upper case is hex", () => {
    const { pckCrl, rootCaCrl, tcbInfoSignature } = collateral;
    const upper = {
      ...collateral,
      pckCrl: pckCrl.toUpperCase(),
      rootCaCrl: rootCaCrl.toUpperCase(),
      tcbInfoSignature: tcbInfoSignature.toUpperCase(),
    };
    expect(parseTdxCollateral(JSON.stringify(upper))).toEqual(collateral);
  });
});

describe("in place of evidence.json", () => {
  it.each<[string, Uint8Array, string]>([
    ["the quote alone", quote, "evidence: no JSON"],
    ["hex text", utf8(encodeHex(quote)), "it looks like hex text"],
    [
      "a policy bundle",
      utf8('{"format": "x", "trustRoots": [], "policy": {}}'),
      'JSON with "format", "trustRoots", "policy"',
    ],
    [
      "collateral in snake_case inside",
      utf8(
        JSON.stringify({
          ...evidence,
          tdx: { ...evidence.tdx, collateral: inSnakeCase(evidence.tdx.collateral) },
        }),
      ),
      "the names are in snake_case",
    ],
  ])("%s", async (_, bytes, message) => {
    expect(await messageOf(() => parseEvidence(bytes))).toContain(message);
  });

  it("a CCEL table of 1 MiB fits", () => {
    const table = new Uint8Array(1024 * 1024).fill(0xff);
    table.set(makeCcel(bootEvents("image"), 0));
    const eventLog = { format: "ccel", data: encodeBase64(table) } as const;
    const { tdx } = parseEvidence(encodeEvidence({ ...evidence, tdx: { ...evidence.tdx, eventLog } }));
    expect(tdx.eventLog?.data).toHaveLength(1024 * 1024);
  });
});

describe("in place of an event log", () => {
  const ccel = makeCcel(bootEvents("image"));
  it.each<[string, "ccel" | "dstack", Uint8Array, string]>([
    ["hex text", "ccel", utf8(encodeHex(ccel)), "it looks like hex text"],
    ["base64 text", "ccel", utf8(encodeBase64(ccel)), "it looks like base64 text"],
    [
      "the answer that holds dstack's log",
      "dstack",
      utf8(JSON.stringify({ event_log: new TextDecoder().decode(makeDstackLog(bootEvents("image"))) })),
      'it looks like JSON with "event_log"',
    ],
  ])("%s", async (_, format, bytes, message) => {
    expect(await messageOf(() => parseEventLog(format, bytes))).toContain(message);
  });
});

describe("in place of a certificate chain", () => {
  it("DER, and the base64 of DER", async () => {
    const der = machine.roots.nvidia;
    expect(await messageOf(() => pemTextOf(der))).toContain("PEM: not UTF-8 text");
    expect(await messageOf(() => parsePemCertificates(encodeBase64(der), 5, 1))).toContain("base64 text");
  });
});
