import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { describeGspFirmware } from "../../../src/publisher/describe/gsp-firmware.ts";
import { makeKeyPair } from "../../../src/testing/authority.ts";
import { makeBlocks, makeGpuReport, makeOpaque } from "../../../src/testing/gpu-report.ts";
import { malformedOf } from "../../support/refusals.ts";
import { type MadeSection, makeElf } from "./formats/make-elf.ts";
import { RELEASE, statementOf } from "./release-input.ts";
import { scratchFolder } from "./scratch-folder.ts";
import { describeWithTool } from "./with-tool.ts";

const folder = scratchFolder();
const bytes = (text: string) => new TextEncoder().encode(text);
const NOTE = Buffer.concat([Uint8Array.of(4, 0, 0, 0, 3, 0, 0, 0, 9, 0, 0, 0), bytes("GSP\0abc\0")]);

const SECTIONS: readonly MadeSection[] = [
  { name: ".fwimage", bytes: bytes("image") },
  { name: ".fwversion", bytes: bytes("550.163.01\0") },
  { name: ".fwsignature_cc_gh100", bytes: bytes("cc signature") },
  { name: ".fwsignature_gh100", bytes: bytes("signature") },
  { name: ".fwsignature_ad10x", bytes: bytes("signature 2") },
  { name: ".note.gsp", type: 7, bytes: NOTE },
];
const without = (name: string) => SECTIONS.filter((section) => section.name !== name);
const versioned = (version: string) => [
  ...without(".fwversion"),
  { name: ".fwversion", bytes: bytes(version) },
];
const describeFiles = (...files: string[]) => describeGspFirmware({ release: RELEASE, files, reports: [] });

describe("described GSP firmware", () => {
  it("states digests, version, chips, sections and notes", async () => {
    const elf = makeElf(SECTIONS);
    const { payload } = await describeFiles(folder.write("gsp_ga10x.bin", elf));
    const { subject, predicate } = statementOf(payload);
    const digests = {
      sha256: createHash("sha256").update(elf).digest("hex"),
      sha384: createHash("sha384").update(elf).digest("hex"),
    };
    expect(predicate.firmwareVersion).toBe("550.163.01");
    expect(predicate.files).toEqual([
      {
        fileName: "gsp_ga10x.bin",
        ...digests,
        size: elf.length,
        firmwareVersion: "550.163.01",
        chips: ["ad10x", "gh100"],
        sections: [...SECTIONS.map(({ name }) => name), ".shstrtab"],
        notes: [
          {
            section: ".note.gsp",
            name: "GSP",
            type: 9,
            sha256: createHash("sha256").update("abc").digest("hex"),
          },
        ],
      },
    ]);
    expect(subject).toEqual([{ name: "gsp_ga10x.bin", digest: digests }]);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ["no image", makeElf(without(".fwimage")), /no .fwimage/],
    ["no version", makeElf(without(".fwversion")), /no .fwversion/],
    ["a version that is no number", makeElf(versioned("<script>")), /no version number/],
    ["a version of a megabyte", makeElf(versioned("5".repeat(1 << 20))), /version of 1048576 bytes/],
    ["no chip", makeElf(SECTIONS.filter(({ name }) => !name.includes("signature"))), /serves no chip/],
    ["no ELF header", bytes("MZ".repeat(40)), /no ELF magic/],
    ["its second half missing", makeElf(SECTIONS).subarray(0, 200), /needs \d+ bytes/],
  ])("is refused with %s", async (_why, elf, message) => {
    const error = await malformedOf(() => describeFiles(folder.write("bad.bin", elf)));
    expect(error?.message).toMatch(message);
    expect(error?.message).toContain(`${folder.path}/bad.bin`);
  });

  it("is refused when the files are of two versions", async () => {
    const one = folder.write("one.bin", makeElf(SECTIONS));
    const two = folder.write("two.bin", makeElf(versioned("535.1")));
    expect((await malformedOf(() => describeFiles(one, two)))?.message).toMatch(/describe them apart/);
  });

  it("states the FWID of a report as observed, and refuses a report of another driver", async () => {
    const fwid = Uint8Array.from({ length: 48 }, (_, i) => i);
    const file = folder.write("gsp_ga10x.bin", makeElf(SECTIONS));
    const reportOf = async (driverVersion: string) =>
      makeGpuReport(await makeKeyPair("P-384"), {
        nonce: new Uint8Array(32),
        responderNonce: new Uint8Array(32),
        blocks: makeBlocks("gsp"),
        opaque: makeOpaque({ driverVersion, vbiosVersion: "96.00.9F.00.01", fwid }),
      });
    const report = await reportOf("550.163.01");
    const described = await describeGspFirmware({
      release: RELEASE,
      files: [file],
      reports: [folder.write("report.bin", report)],
    });
    expect(statementOf(described.payload).predicate.observedFwids).toEqual([
      { fwid: Buffer.from(fwid).toString("hex"), report: createHash("sha256").update(report).digest("hex") },
    ]);
    const other = folder.write("other.bin", await reportOf("580.95.05"));
    const error = await malformedOf(() =>
      describeGspFirmware({ release: RELEASE, files: [file], reports: [other] }),
    );
    expect(error?.message).toMatch(/of driver 580.95.05, the firmware is 550.163.01/);
  });
});

describeWithTool("dpkg-deb", "the package of GSP firmware", () => {
  it("is named by its own fields and digest, and must hold the very file", async () => {
    const elf = makeElf(SECTIONS);
    folder.write("deb/usr/lib/firmware/gsp_ga10x.bin", elf);
    folder.write(
      "deb/DEBIAN/control",
      "Package: firmware-test\nVersion: 550.163.01-2\nArchitecture: all\nMaintainer: A <a@example.com>\nDescription: x\n",
    );
    const deb = `${folder.path}/firmware-test.deb`;
    execFileSync("dpkg-deb", ["--root-owner-group", "--build", `${folder.path}/deb`, deb], {
      stdio: "ignore",
    });
    const file = folder.write("gsp_ga10x.bin", elf);
    const { payload } = await describeGspFirmware({
      release: RELEASE,
      files: [file],
      package: deb,
      reports: [],
    });
    expect(statementOf(payload).predicate.package).toMatchObject({
      name: "firmware-test",
      version: "550.163.01-2",
    });
    const other = folder.write(
      "other/gsp_ga10x.bin",
      makeElf([...SECTIONS, { name: ".more", bytes: bytes("x") }]),
    );
    const error = await malformedOf(() =>
      describeGspFirmware({ release: RELEASE, files: [other], package: deb, reports: [] }),
    );
    expect(error?.message).toMatch(/does not hold this gsp_ga10x.bin/);
  });
});
