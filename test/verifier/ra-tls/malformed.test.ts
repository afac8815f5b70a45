import { describe, expect, test } from "vitest";
import { concatBytes } from "../../../src/protocol/encoding/bytes.ts";
import { decodeHex } from "../../../src/protocol/encoding/hex.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { der } from "../../../src/testing/der.ts";
import { parseEvidenceWrapper } from "../../../src/verifier/ra-tls/cmw.ts";
import { parseContrastEvidence } from "../../../src/verifier/ra-tls/contrast.ts";
import { parseDiceClaims, parseDiceEvidence } from "../../../src/verifier/ra-tls/dice.ts";
import { parseDstackAttestation } from "../../../src/verifier/ra-tls/dstack.ts";
import { parseAttestedTlsMessage } from "../../../src/verifier/ra-tls/flashbots.ts";
import { parseMessagePack } from "../../../src/verifier/ra-tls/message-pack.ts";
import { parseRaTlsCertificate } from "../../../src/verifier/ra-tls/ra-tls-certificate.ts";
import { malformedOf } from "../../support/refusals.ts";
import { cborBytes, cborText, diceClaims, dstackScale, messagePack } from "./containers.ts";

const spki = utf8("a public key");
const hashEntry = (algorithm: number, digest: Uint8Array) =>
  cborBytes(concatBytes(Uint8Array.of(0x82, algorithm), cborBytes(digest)));

function refuses(
  cases: ReadonlyArray<readonly [string, string | Uint8Array]>,
  parse: (bytes: Uint8Array) => unknown,
) {
  test.each(
    cases.map(([name, input]) => [name, typeof input === "string" ? decodeHex(input) : input] as const),
  )("%s", async (_, bytes) => {
    expect((await malformedOf(() => parse(bytes)))?.message).toBeDefined();
  });
}

describe("TCG DICE evidence that is refused", () => {
  refuses(
    [
      ["empty", ""],
      ["no tag", "82410041a0"],
      ["another tag (60001, TEE report)", "d9ea6182410041a0"],
      ["the tag in a longer form", "da0000ea6082410041a0"],
      ["three items", "d9ea6083410041a040"],
      ["one item", "d9ea608141a0"],
      ["text for bytes", "d9ea6082610041a0"],
      ["an array of indefinite length", "d9ea609f410041a0ff"],
      ["a byte string of indefinite length", "d9ea60825f4100ff41a0"],
      ["a length that is not shortest", "d9ea608258010041a0"],
      ["a tag around the tag", "d9ea60d9ea6082410041a0"],
      ["a map", "d9ea60a0"],
      [
        "a CMW array under the same OID",
        concatBytes(Uint8Array.of(0x82), cborText("application/eat+cwt"), cborBytes(spki)),
      ],
      ["a CMW in JSON under the same OID", utf8('["application/eat+jwt","AA"]')],
    ],
    parseDiceEvidence,
  );
});

describe("DICE claims that are refused", () => {
  const claim = (name: string, value: Uint8Array) => concatBytes(cborText(name), value);
  const good = claim("pubkey-hash", hashEntry(1, new Uint8Array(32)));
  refuses(
    [
      ["not a map", "80"],
      ["no pubkey-hash: what Gramine accepts", "a0"],
      ["pubkey-hash twice", concatBytes(Uint8Array.of(0xa2), good, good)],
      [
        "nonce twice",
        concatBytes(
          Uint8Array.of(0xa3),
          good,
          claim("nonce", cborBytes(spki)),
          claim("nonce", cborBytes(spki)),
        ),
      ],
      ["an indefinite map", concatBytes(Uint8Array.of(0xbf), good, Uint8Array.of(0xff))],
      ["a number as a key", concatBytes(Uint8Array.of(0xa1, 0x01), cborBytes(spki))],
      ["a number as a claim", concatBytes(Uint8Array.of(0xa2), good, claim("x", Uint8Array.of(1)))],
      [
        "an unknown hash algorithm",
        concatBytes(Uint8Array.of(0xa1), claim("pubkey-hash", hashEntry(2, new Uint8Array(32)))),
      ],
      [
        "a digest of another length",
        concatBytes(Uint8Array.of(0xa1), claim("pubkey-hash", hashEntry(7, new Uint8Array(32)))),
      ],
      [
        "a hash entry with more in it",
        concatBytes(Uint8Array.of(0xa1), claim("pubkey-hash", decodeHex("4483010041"))),
      ],
      ["bytes after the map", concatBytes(diceClaims(spki), Uint8Array.of(0))],
    ],
    parseDiceClaims,
  );

  test("and others are not: unknown claims are left alone", () => {
    const claims = parseDiceClaims(concatBytes(Uint8Array.of(0xa2), good, claim("key_0", cborBytes(spki))));
    expect(claims.nonce).toBeNull();
  });
});

describe("Conceptual Message Wrappers that are refused", () => {
  const wrapped = (...cbor: Uint8Array[]) => der(0x04, concatBytes(...cbor));
  const type = cborText("application/vnd.touchstone.evidence.v1+json".slice(0, 23));
  refuses(
    [
      ["the JSON choice", der(0x0c, utf8('["application/vnd.touchstone.evidence.v1+json","AA"]'))],
      ["another media type", wrapped(Uint8Array.of(0x82), type, cborBytes(spki))],
      ["a CBOR tag in place of a record", wrapped(decodeHex("da63747601"), cborBytes(spki))],
      ["a collection", wrapped(Uint8Array.of(0xa1), cborText("a"), cborBytes(spki))],
      ["nothing", new Uint8Array()],
    ],
    parseEvidenceWrapper,
  );
});

describe("dstack attestations that are refused", () => {
  const good = dstackScale(utf8("quote"), [], new Uint8Array(64));
  const v1 = (changes: object) =>
    messagePack({
      version: 1,
      platform: { kind: "tdx", data: { quote: [1, 2], event_log: [] } },
      stack: {},
      ...changes,
    });
  refuses(
    [
      ["of GCP, without a quote", concatBytes(Uint8Array.of(0, 1), new Uint8Array(80))],
      [
        "with a length in more bytes than it needs",
        concatBytes(Uint8Array.of(0, 0, 0x15, 0), good.subarray(3)),
      ],
      ["with a length of more than four bytes", concatBytes(Uint8Array.of(0, 0, 0x03), good.subarray(3))],
      [
        "that claim four thousand million events",
        concatBytes(good.subarray(0, 8), Uint8Array.of(0xfe, 0xff, 0xff, 0xff)),
      ],
      ["with bytes after them", concatBytes(good, Uint8Array.of(0))],
      ["of another version", v1({ version: 2 })],
      ["of AMD", v1({ platform: { kind: "sev-snp", data: {} } })],
      ["without a quote", v1({ platform: { kind: "tdx", data: { event_log: [] } } })],
      ["with a quote of text", v1({ platform: { kind: "tdx", data: { quote: "AA", event_log: [] } } })],
      [
        "with a quote of numbers above a byte",
        v1({ platform: { kind: "tdx", data: { quote: [256], event_log: [] } } }),
      ],
      [
        "with an event that lacks a field",
        v1({ platform: { kind: "tdx", data: { quote: [1], event_log: [{ imr: 3 }] } } }),
      ],
      ["neither a version nor a map", Uint8Array.of(0xc0)],
    ],
    parseDstackAttestation,
  );
});

describe("MessagePack that is refused", () => {
  refuses(
    [
      ["a float", "cb0000000000000000"],
      ["a negative number", "ff"],
      ["an extension", "d40000"],
      ["a key that is not text", "810101"],
      ["a key twice", "82a16101a16102"],
      ["an array longer than its bytes", "ddffffffff"],
      ["a map longer than its bytes", "dfffffffff"],
      ["deep nesting", "91".repeat(20)],
      ["text that is not UTF-8", "a1ff"],
      ["bytes after the value", "c0c0"],
    ],
    parseMessagePack,
  );
});

describe("attested-tls messages that are refused", () => {
  refuses(
    [
      ["of Azure, whose quote is that of a vTPM", utf8('{"attestation_type":"azure-tdx","attestation":[1]}')],
      ["of no platform", utf8('{"attestation_type":"none","attestation":[]}')],
      ["with a member twice", utf8('{"attestation_type":"gcp-tdx","attestation":[1],"attestation":[2]}')],
      ["with another member", utf8('{"attestation_type":"gcp-tdx","attestation":[1],"x":1}')],
      ["with a number above a byte", utf8('{"attestation_type":"gcp-tdx","attestation":[256]}')],
      ["with text after it", utf8('{"attestation_type":"gcp-tdx","attestation":[1]}x')],
    ],
    parseAttestedTlsMessage,
  );
});

describe("Contrast evidence that is refused", () => {
  refuses(
    [
      ["empty", ""],
      ["an unknown field", "3200"],
      ["field 0", "0200"],
      ["an unknown wire type", "0d00000000"],
      ["a number twice", "18011801"],
      ["a varint that is not shortest", "188100"],
      ["a varint without end", "18ffffffffffff"],
      ["a field twice", "0a000a00"],
      ["a field longer than its bytes", "0a7f00"],
    ],
    parseContrastEvidence,
  );
});

describe("certificates that are refused", () => {
  refuses(
    [
      ["empty", ""],
      ["of indefinite length", "3080020100"],
      ["with a length that is not shortest", "308103020100"],
      ["not a sequence", "020100"],
      ["a sequence of something else", "3003020100"],
      ["above the limit", new Uint8Array(1024 * 1024 + 1)],
    ],
    parseRaTlsCertificate,
  );

  test("the limit is said by name", async () => {
    const error = await malformedOf(() => parseRaTlsCertificate(new Uint8Array(1024 * 1024 + 1)));
    expect(error?.message).toContain("longer than");
  });
});
