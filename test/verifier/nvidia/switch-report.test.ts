// The reports of NVSwitches: what is read, that everything else is refused as malformed, and which kinds of device are told apart by name.
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { concatBytes } from "../../../src/protocol/encoding/bytes.ts";
import { encodeHex } from "../../../src/protocol/encoding/hex.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { MalformedError } from "../../../src/protocol/errors.ts";
import { type KeyPair, makeKeyPair } from "../../../src/testing/authority.ts";
import { makeBlocks, makeGpuReport, makeOpaque, type OpaqueField } from "../../../src/testing/gpu-report.ts";
import { makeSwitchOpaque } from "../../../src/testing/switch.ts";
import { parseGpuReport } from "../../../src/verifier/nvidia/report.ts";
import { parseSwitchReport } from "../../../src/verifier/nvidia/switch-report.ts";

const BLOCKS = makeBlocks("switch report").slice(0, 31);
const PDI = "203eb31ad9ed0008";
const GPUS = ["40b9c6b3d748fd90", "e2d85b590c4ca98c"];
const OPAQUE = makeSwitchOpaque({ vbiosVersion: "96.10.55.00.01", pdi: PDI, gpus: GPUS });

let key: KeyPair;
let good: Uint8Array;
beforeAll(async () => {
  key = await makeKeyPair("P-384");
  good = await reportWith(OPAQUE);
});

const reportWith = (opaque: readonly OpaqueField[]) =>
  makeGpuReport(key, {
    nonce: new Uint8Array(32).fill(1),
    responderNonce: new Uint8Array(32).fill(2),
    blocks: BLOCKS,
    opaque,
  });
const withField = (type: number, value: Uint8Array | null) => {
  const rest = OPAQUE.filter((field) => field.type !== type);
  return reportWith(value === null ? rest : [...rest, { type, value }]);
};

it("states the switch, its VBIOS and the GPUs at its ports", () => {
  const report = parseSwitchReport(good);
  expect(report).toMatchObject({
    vbiosVersion: "96.10.55.00.01",
    pdi: PDI,
    gpus: GPUS,
    fwid: null,
    unknownTypes: [],
  });
  expect(encodeHex(report.requestNonce)).toBe("01".repeat(32));
  expect([...report.blocks]).toEqual(BLOCKS.map((block, i) => [i + 1, block]));
});

it.each([
  [
    "a VBIOS version with a terminator, in small letters",
    6,
    utf8("96.10.5f.00.0a\0"),
    { vbiosVersion: "96.10.5F.00.0A" },
  ],
  ["a firmware id", 20, new Uint8Array(48).fill(9), { fwid: new Uint8Array(48).fill(9) }],
  ["ports without a GPU", 26, concatBytes(new Uint8Array(120), new Uint8Array(8).fill(1)), { gpus: [] }],
  ["a type that is not known", 27, Uint8Array.of(1), { unknownTypes: [27] }],
])("reads %s", async (_, type, value, expected) => {
  expect(parseSwitchReport(await withField(type, value))).toMatchObject(expected);
});

describe("what is refused", () => {
  it.each([
    ["no VBIOS version", 6, null, /VBIOS version is missing/],
    [
      "a VBIOS version as GPUs write it",
      6,
      Uint8Array.of(0, 0x55, 0x10, 0x96, 1, 0, 0, 0),
      /not of the form/,
    ],
    ["a VBIOS version with text after the terminator", 6, utf8("96.10.55.00.01\0x"), /not of the form/],
    [
      "a VBIOS version of 100 bytes",
      6,
      concatBytes(utf8("96.10.55.00.01"), new Uint8Array(86)),
      /not of the form/,
    ],
    ["no PDI", 22, null, /PDI of the switch is missing/],
    ["the links of a GPU for its PDI", 22, new Uint8Array(144), /144 bytes, expected 8/],
    ["no GPUs", 26, null, /list of GPUs is missing/],
    ["a short list of GPUs", 26, new Uint8Array(64), /64 bytes, expected 128/],
    ["a firmware id of 32 bytes", 20, new Uint8Array(32), /32 bytes, expected 48/],
  ])("%s", async (_, type, value, message) => {
    const report = await withField(type, value);
    expect(() => parseSwitchReport(report)).toThrow(MalformedError);
    expect(() => parseSwitchReport(report)).toThrow(message);
  });

  it("a GPU's report as a switch's, and a switch's as a GPU's, each by what it is", async () => {
    const gpu = await reportWith(
      makeOpaque({ driverVersion: "580.95.05", vbiosVersion: "96.00.CF.00.01", fwid: null }),
    );
    expect(() => parseSwitchReport(gpu)).toThrow(/it is the report of a GPU/);
    expect(() => parseGpuReport(good)).toThrow(/it is the report of an NVSwitch/);
  });

  it("any prefix of a report", () => {
    for (let length = 0; length < good.length; length++)
      expect(() => parseSwitchReport(good.subarray(0, length)), `cut at ${length}`).toThrow(MalformedError);
  });

  it("whatever the bytes, as malformed and nothing else", () => {
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.uint8Array({ minLength: 1, maxLength: 8 }), (at, bytes) => {
        const changed = Uint8Array.from(good);
        changed.set(bytes.subarray(0, good.length - at), at);
        try {
          parseSwitchReport(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError);
        }
      }),
    );
  });
});
