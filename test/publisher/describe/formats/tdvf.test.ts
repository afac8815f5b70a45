// MRTD of TDX firmware: a synthetic one and Debian's OVMF against a second computation, and metadata made to deceive.
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withFile } from "../../../../src/publisher/describe/files/random-access.ts";
import {
  computeMrtd,
  type PageAddOrder,
  readTdvfSections,
} from "../../../../src/publisher/describe/formats/tdvf.ts";
import { makeTdvf, referenceMrtd, SECTIONS, type Section, TDVF_OFFSETS } from "./make-tdvf.ts";

const OVMF = "/usr/share/ovmf/OVMF.fd";
const ORDERS: PageAddOrder[] = ["single-pass", "two-pass"];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-tdvf-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function mrtdOf(bytes: Uint8Array, order: PageAddOrder): Promise<string> {
  const path = join(folder, "firmware.fd");
  writeFileSync(path, bytes);
  return await withFile(path, "TDX firmware", async (file) =>
    computeMrtd(file, await readTdvfSections(file), order),
  );
}

describe("MRTD", () => {
  it.each(ORDERS)("of synthetic firmware, %s, is that of the reference computation", async (order) => {
    const firmware = makeTdvf(SECTIONS);
    expect(await mrtdOf(firmware, order)).toBe(referenceMrtd(firmware, SECTIONS, order));
  });

  it("of one page that is added and extended is the hash of seventeen operations", async () => {
    const sections = [
      { dataOffset: 0, rawSize: 4096, address: 0x1000n, memorySize: 4096n, type: 0, attributes: 1 },
    ];
    const firmware = makeTdvf(sections);
    const text = (name: string, gpa: number) => {
      const block = Buffer.alloc(128);
      block.write(name);
      block.writeUInt32LE(gpa, 16);
      return block;
    };
    const hash = createHash("sha384").update(text("MEM.PAGE.ADD", 0x1000));
    for (let i = 0; i < 16; i++)
      hash.update(text("MR.EXTEND", 0x1000 + i * 256)).update(firmware.subarray(i * 256, (i + 1) * 256));
    const expected = hash.digest("hex");
    expect(await mrtdOf(firmware, "single-pass")).toBe(expected);
    expect(await mrtdOf(firmware, "two-pass")).toBe(expected);
  });

  it("differs between the two orders, and with one bit of measured content", async () => {
    const firmware = makeTdvf(SECTIONS);
    const single = await mrtdOf(firmware, "single-pass");
    expect(await mrtdOf(firmware, "two-pass")).not.toBe(single);
    const changed = firmware.slice();
    changed[5000]! ^= 1;
    expect(await mrtdOf(changed, "single-pass")).not.toBe(single);
  });

  it("does not depend on memory that the guest accepts by itself, however large", async () => {
    const accepted = {
      dataOffset: 0,
      rawSize: 0,
      address: 0x1_0000_0000n,
      memorySize: 1n << 40n,
      type: 4,
      attributes: 2,
    };
    expect(await mrtdOf(makeTdvf([...SECTIONS, accepted]), "two-pass")).toBe(
      referenceMrtd(makeTdvf(SECTIONS), SECTIONS, "two-pass"),
    );
  });

  it.skipIf(!existsSync(OVMF))(
    `of Debian's OVMF is that of the reference computation${existsSync(OVMF) ? "" : " (skipped: ovmf not installed)"}`,
    async () => {
      const firmware = new Uint8Array(readFileSync(OVMF));
      const sections = await withFile(OVMF, "TDX firmware", readTdvfSections);
      expect(sections.map(({ type }) => type)).toEqual([0, 1, 3, 3, 2, 3]);
      const wide = sections.map((section) => ({ ...section, memorySize: BigInt(section.memorySize) }));
      for (const order of ORDERS)
        expect(await mrtdOf(firmware, order)).toBe(referenceMrtd(firmware, wide, order));
    },
  );
});

describe("a part of a firmware image", () => {
  it("is refused with the remedy: OVMF_CODE without the variable store that the joined file begins with", async () => {
    const [boot, variables] = SECTIONS as [Section, Section];
    const joined = makeTdvf([{ ...boot, rawSize: 28_672, memorySize: 28_672n }, variables]);
    expect(await mrtdOf(joined, "two-pass")).toMatch(/^[0-9a-f]{96}$/);
    await expect(mrtdOf(joined.subarray(4096), "two-pass")).rejects.toThrow(
      /needs 28672 bytes, the end is at 28672: OVMF_CODE alone lacks the variable store, give the joined file \(OVMF\.fd\)/,
    );
  });

  it("is refused with the remedy: OVMF_VARS, which has no GUIDed table", async () => {
    await expect(mrtdOf(new Uint8Array(8192).fill(0xff), "two-pass")).rejects.toThrow(
      /no GUIDed table at the end of the image, which OVMF_CODE and the joined file \(OVMF\.fd\) have/,
    );
  });
});

describe("TDX metadata", () => {
  const first = SECTIONS[0]!;
  it.each([
    ["is cut short before its table", (bytes: Uint8Array) => bytes.subarray(0, 40)],
    ["is empty", () => new Uint8Array()],
    ["has no GUIDed table", (bytes: Uint8Array) => bytes.fill(0, bytes.length - 48, bytes.length - 32)],
    [
      "has no TDX entry",
      (bytes: Uint8Array) =>
        bytes.fill(7, bytes.length + TDVF_OFFSETS.entryGuid, bytes.length + TDVF_OFFSETS.entryGuid + 16),
    ],
    [
      "has an entry of length 0",
      (bytes: Uint8Array) =>
        bytes.fill(0, bytes.length + TDVF_OFFSETS.entryLength, bytes.length + TDVF_OFFSETS.entryLength + 2),
    ],
    [
      "points before its beginning",
      (bytes: Uint8Array) =>
        bytes.fill(0xff, bytes.length + TDVF_OFFSETS.entryData, bytes.length + TDVF_OFFSETS.entryData + 4),
    ],
    [
      "points past its end",
      (bytes: Uint8Array) =>
        bytes.fill(0, bytes.length + TDVF_OFFSETS.entryData, bytes.length + TDVF_OFFSETS.entryData + 4),
    ],
  ])("is refused where the image %s", async (_, change) => {
    await expect(mrtdOf(change(makeTdvf(SECTIONS)), "single-pass")).rejects.toThrow(
      /^TDX firmware .*firmware\.fd: .* \(at byte -?\d+\)$/,
    );
  });

  it.each([
    ["content past the end", { dataOffset: 0xfffff000 }, /content of a TDX metadata section needs/],
    ["content longer than the memory", { rawSize: 8192, memorySize: 4096n }, /8192 bytes do not fit 4096/],
    ["half a page of memory", { memorySize: 0x2800n }, /not whole pages/],
    ["an address inside a page", { address: 0x1001n }, /not whole pages/],
    ["2^63 bytes of measured memory", { memorySize: 1n << 63n }, /bytes of memory/],
    ["an unknown attribute", { attributes: 5 }, /unknown attributes 0x5/],
    ["memory of another section", { address: SECTIONS[1]!.address }, /overlap in memory/],
  ])("is refused where a section has %s", async (_, change, message) => {
    await expect(
      mrtdOf(makeTdvf([{ ...first, ...change }, ...SECTIONS.slice(1)]), "single-pass"),
    ).rejects.toThrow(message);
  });

  it("is refused with no section, and with more than 64", async () => {
    const many = [...Array(65).keys()].map((i) => ({ ...first, address: BigInt(i) << 20n }));
    for (const sections of [[], many])
      await expect(mrtdOf(makeTdvf(sections), "single-pass")).rejects.toThrow(
        `${sections.length} sections do not fit`,
      );
  });
});
