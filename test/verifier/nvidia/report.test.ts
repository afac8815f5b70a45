// The report parser: what it reads, and that everything else is refused as malformed, at every byte.
import { beforeAll, describe, expect, it } from "vitest";
import { encodeBase64 } from "../../../src/protocol/encoding/base64.ts";
import { encodeHex } from "../../../src/protocol/encoding/hex.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { MalformedError } from "../../../src/protocol/errors.ts";
import { makeKeyPair } from "../../../src/testing/authority.ts";
import { makeBlocks, makeGpuReport, makeOpaque, type OpaqueField } from "../../../src/testing/gpu-report.ts";
import { parseGpuReport } from "../../../src/verifier/nvidia/report.ts";
import { rimIdsOf } from "../../../src/verifier/nvidia/rim-id.ts";
import { MAX_REPORT_BYTES } from "../../../src/verifier/nvidia/spdm-report.ts";

const BLOCKS = makeBlocks("report test");
const FWID = new Uint8Array(48).fill(9);
const OPAQUE = makeOpaque({ driverVersion: "580.95.05", vbiosVersion: "96.00.CF.00.01", fwid: FWID });

let key: Awaited<ReturnType<typeof makeKeyPair>>;
let good: Uint8Array;
beforeAll(async () => {
  key = await makeKeyPair("P-384");
  good = await reportWith({});
});

function reportWith({ opaque = OPAQUE, blocks = BLOCKS }: { opaque?: OpaqueField[]; blocks?: Uint8Array[] }) {
  const nonce = new Uint8Array(32).fill(1);
  return makeGpuReport(key, { nonce, responderNonce: new Uint8Array(32).fill(2), blocks, opaque });
}

const withField = (type: number, value: Uint8Array | null) => {
  const rest = OPAQUE.filter((field) => field.type !== type);
  return reportWith({ opaque: value === null ? rest : [...rest, { type, value }] });
};

const edit = (at: number, ...bytes: number[]) => {
  const copy = Uint8Array.from(good);
  copy.set(bytes, at);
  return copy;
};

describe("what a report says", () => {
  it("nonces, 64 blocks and the signed statement", () => {
    const report = parseGpuReport(good);
    expect(encodeHex(report.requestNonce)).toBe("01".repeat(32));
    expect(encodeHex(report.responderNonce)).toBe("02".repeat(32));
    expect([...report.blocks]).toEqual(BLOCKS.map((block, i) => [i + 1, block]));
    expect(report.signed.length + report.signature.length).toBe(good.length);
    expect(report).toMatchObject({
      driverVersion: "580.95.05",
      vbiosVersion: "96.00.CF.00.01",
      fwid: FWID,
      nvdec0: "off",
      mode: "single",
      switches: [],
      chipInfo: null,
      project: "1010",
      projectSku: "0200",
      chipSku: "882",
    });
  });

  it("names the RIMs it asks for", () => {
    const report = parseGpuReport(good);
    expect(rimIdsOf(report, "GH100")).toEqual({
      driver: "NV_GPU_DRIVER_GH100_580.95.05",
      vbios: "NV_GPU_VBIOS_1010_0200_882_9600CF0001",
    });
    expect(rimIdsOf({ ...report, chipInfo: "GB100A" }, "GB100").driver).toBe(
      "NV_GPU_CC_DRIVER_GB100A_580.95.05",
    );
    expect(rimIdsOf({ ...report, project: null }, "GH100").vbios).toBeNull();
  });

  it.each([
    ["NVDEC0 on", 11, Uint8Array.of(0xaa), { nvdec0: "on" }],
    ["padded text", 15, utf8("886\0\0\0\0\0\0"), { chipSku: "886" }],
    ["chip info", 35, utf8("GB100\0"), { chipInfo: "GB100" }],
    ["format version 1", 34, Uint8Array.of(1), {}],
    ["an older driver's version", 3, utf8("545.00\0"), { driverVersion: "545.00" }],
  ])("%s", async (_, type, value, expected) => {
    expect(parseGpuReport(await withField(type, value))).toMatchObject(expected);
  });
});

describe("what is refused", () => {
  it.each([
    ["SPDM 1.2 request", () => edit(0, 0x12)],
    ["another request code", () => edit(1, 0xe1)],
    ["no signature asked for", () => edit(2, 0)],
    ["one block asked for", () => edit(3, 1)],
    ["another certificate slot", () => edit(36, 1)],
    ["SPDM 1.2 response", () => edit(37, 0x12)],
    ["another response code", () => edit(38, 0x61)],
    ["no blocks", () => edit(41, 0)],
    ["65 blocks", () => edit(41, 65)],
    ["63 blocks in a record of 64", () => edit(41, 63)],
    ["a longer record", () => edit(42, 0xc1)],
    ["a record of 16 MiB", () => edit(42, 0xff, 0xff, 0xff)],
    ["block 0", () => edit(45, 0)],
    ["block 65", () => edit(45, 65)],
    ["a block twice", () => edit(45, 2)],
    ["another measurement specification", () => edit(46, 2)],
    ["a block whose sizes differ", () => edit(47, 0x34)],
    ["a raw value instead of a digest", () => edit(49, 0x81)],
    ["a shorter digest", () => edit(50, 0x2f)],
    ["opaque data longer than the report", () => edit(3597, 0xff, 0xff)],
  ])("%s", (_, make) => {
    expect(() => parseGpuReport(make())).toThrow(MalformedError);
  });

  it.each([
    ["no driver version", 3, null],
    ["no VBIOS version", 6, null],
    ["a driver version without NUL", 3, utf8("580.95.05")],
    ["a driver version with text after the NUL", 3, utf8("580.95\0x\0")],
    ["a driver version that is none", 3, utf8("latest\0")],
    ["a driver version of 100 characters", 3, utf8(`580.${"9".repeat(96)}\0`)],
    ["an empty driver version", 3, utf8("\0")],
    ["a VBIOS version of 7 bytes", 6, new Uint8Array(7)],
    ["a VBIOS version with more parts", 6, Uint8Array.of(0, 0, 0, 0x96, 1, 1, 0, 0)],
    ["an FWID of 32 bytes", 20, new Uint8Array(32)],
    ["an NVDEC0 status that is neither", 11, Uint8Array.of(0x54)],
    ["an NVDEC0 status of two bytes", 11, Uint8Array.of(0x55, 0x55)],
    ["an unknown feature", 36, Uint8Array.of(3)],
    ["an empty feature", 36, new Uint8Array(0)],
    ["a feature of nine bytes", 36, new Uint8Array(9)],
    ["format version 2", 34, Uint8Array.of(2, 0)],
    ["format version 2^56", 34, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1)],
    ["chip info with a line break", 35, utf8("GB\n100\0")],
  ])("%s", async (_, type, value) => {
    const report = await withField(type, value);
    expect(() => parseGpuReport(report)).toThrow(MalformedError);
  });

  it("an opaque field twice, even with the same value", async () => {
    const report = await reportWith({ opaque: [...OPAQUE, ...OPAQUE.slice(-1)] });
    expect(() => parseGpuReport(report)).toThrow(/twice/);
  });

  it("no opaque data", async () => {
    const report = await reportWith({ opaque: [] });
    expect(() => parseGpuReport(report)).toThrow(MalformedError);
  });

  it("a byte other than zero after the signature", () => {
    expect(() => parseGpuReport(Uint8Array.of(...good, 1))).toThrow(/after the signature/);
    expect(() => parseGpuReport(Uint8Array.of(...good, 0, 1))).toThrow(/after the signature/);
  });

  it("zero bytes after the signature are counted and nothing else", () => {
    const { trailingBytes, ...padded } = parseGpuReport(Uint8Array.of(...good, 0, 0, 0));
    expect(trailingBytes).toBe(3);
    expect({ ...padded, trailingBytes: 0 }).toEqual(parseGpuReport(good));
  });

  it.each([
    ["hex text", (report: Uint8Array) => utf8(encodeHex(report)), /it looks like hex text, decode it/],
    [
      "base64 text",
      (report: Uint8Array) => utf8(encodeBase64(report)),
      /it looks like base64 text, decode it/,
    ],
    [
      "JSON",
      () => utf8('{"evidence_list": [{"evidence": "AA"}]}'),
      /it looks like JSON with "evidence_list"/,
    ],
  ])("%s, with what it looks like", (_, make, message) => {
    expect(() => parseGpuReport(make(good))).toThrow(message);
  });

  it("more than 16 KiB", () => {
    expect(() => parseGpuReport(new Uint8Array(MAX_REPORT_BYTES + 1))).toThrow(/longer/);
  });

  it("any prefix of a report", () => {
    for (let length = 0; length < good.length; length++) {
      expect(() => parseGpuReport(good.subarray(0, length)), `cut at ${length}`).toThrow(MalformedError);
    }
  });
});
