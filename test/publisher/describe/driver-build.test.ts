import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { symlinkSync } from "node:fs";
import { crc32, deflateRawSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { generateSigningKey, parseSigningKey } from "../../../src/node/signing/signing-key.ts";
import { envelopeToJson } from "../../../src/protocol/envelope/dsse.ts";
import type { Observation } from "../../../src/publisher/describe/driver/running-driver.ts";
import { type DriverBuildInput, describeDriverBuild } from "../../../src/publisher/describe/driver-build.ts";
import { describeKernelPatchSet } from "../../../src/publisher/describe/kernel-patch-set.ts";
import { signEnvelope } from "../../../src/publisher/signing/sign.ts";
import { makeRimContent } from "../../../src/testing/rim.ts";
import { malformedOf } from "../../support/refusals.ts";
import { makeElf } from "./formats/make-elf.ts";
import { RELEASE, statementOf } from "./release-input.ts";
import { scratchFolder } from "./scratch-folder.ts";
import { describeWithTool } from "./with-tool.ts";

const folder = scratchFolder();
const hash = (algorithm: string, bytes: string | Uint8Array) =>
  createHash(algorithm).update(bytes).digest("hex");
const text = (value: string) => new TextEncoder().encode(value);
const VERMAGIC = "6.12.107-gold SMP preempt mod_unload modversions ";
const PREFIX = "kgspBinArchiveGspRmCcFmcGfwProdSigned_GH100_ucode";
const IMAGE = Uint8Array.from({ length: 5000 }, (_, i) => (i * 7) & 0xff);

const rimOf = (version: string) =>
  makeRimContent({
    product: "GH100",
    version,
    table: [{ index: 1, active: true, alternatives: ["ab".repeat(48)] }],
  });

interface ModuleFacts {
  readonly version?: string;
  readonly srcversion?: string;
  readonly vermagic?: string;
}
function moduleOf(
  { version = "550.163.01", srcversion = "A".repeat(23), vermagic = VERMAGIC }: ModuleFacts,
  rodata?: Uint8Array,
) {
  const info = `version=${version}\0srcversion=${srcversion}\0depends=\0vermagic=${vermagic}\0`;
  const sections = [{ name: ".modinfo", bytes: text(info) }];
  return makeElf(rodata === undefined ? sections : [...sections, { name: ".rodata", bytes: rodata }], 62);
}

/** As NVIDIA's build packs an array: deflate, CRC-32, length. */
function pack(bytes: Uint8Array): Uint8Array {
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(bytes), 0);
  trailer.writeUInt32LE(bytes.length, 4);
  return Buffer.concat([deflateRawSync(bytes), trailer]);
}

/** A source tree with the generated array, whose image may be packed and whose digest may lie. */
function sourceTree(
  name: string,
  image: Uint8Array,
  digestOf: Uint8Array,
  form = (bytes: Uint8Array) => bytes,
): string {
  const array = (kind: string, bytes: Uint8Array) =>
    `static BINDATA_CONST NvU8 ${PREFIX}_${kind}_data[] = \n{\n    ${[...bytes].map((b) => `0x${b.toString(16).padStart(2, "0")}`).join(", ")},\n};\n`;
  const digest = createHash("sha384").update(digestOf).digest();
  folder.write(
    `${name}/src/nvidia/generated/g_bindata_kgspGetBinArchiveGspRmCcFmcGfwProdSigned_GH100.c`,
    `// generated\n#if defined(BINDATA_INCLUDE_DATA)\n${array("image", form(image))}${array("hash", form(digest))}${array("sig", IMAGE)}#endif\n`,
  );
  return `${folder.path}/${name}`;
}

/** The head of a bzImage whose header points at its version text (Linux Documentation/arch/x86/boot.rst). */
function bzImage(version: string): Uint8Array {
  const image = Buffer.alloc(4096);
  image.write("HdrS", 0x202, "latin1");
  image.writeUInt16LE(0x600, 0x20e);
  image.write(`${version}\0`, 0x800, "latin1");
  return image;
}

const KERNEL_INPUT = {
  release: { ...RELEASE, name: "acme/linux" },
  baseName: "linux",
  baseVersion: "6.12.107",
  patches: { directory: `${folder.path}/series` },
  toolchain: [],
  outputs: [],
};

let kernel: string;
let kernelPayload: Uint8Array;
let input: DriverBuildInput;
beforeAll(async () => {
  folder.write("series/series", "a.patch\n");
  folder.write(
    "series/a.patch",
    "Subject: pmc-boot-42-synthesis\n\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n",
  );
  const described = await describeKernelPatchSet(KERNEL_INPUT);
  kernelPayload = described.payload;
  kernel = folder.write("kernel.json", kernelPayload);
  folder.write("built/nvidia.ko", moduleOf({}));
  folder.write("built/sub/nvidia-uvm.ko", moduleOf({ srcversion: "B".repeat(23) }));
  folder.write("built/readme.txt", "no module");
  folder.write("lib/libnvidia-pkcs11-openssl3.so.550.163.01", "library");
  folder.write("lib/libcuda.so.1", "other");
  symlinkSync("libnvidia-pkcs11-openssl3.so.550.163.01", `${folder.path}/lib/libnvidia-pkcs11-openssl3.so.1`);
  input = { release: RELEASE, modules: `${folder.path}/built`, kernel, toolchain: [] };
});

const refusal = (more: Partial<DriverBuildInput>) =>
  malformedOf(() => describeDriverBuild({ ...input, ...more }));

describe("a described driver build", () => {
  it("states modules, patches, libraries, kernel and RIM, and passes the schema", async () => {
    const rim = folder.write("driver.xml", rimOf("550.163.01"));
    const { payload } = await describeDriverBuild({
      ...input,
      patches: { directory: `${folder.path}/series` },
      libraries: `${folder.path}/lib`,
      tag: "550.163.01",
      rim: { id: "NV_GPU_DRIVER_GH100_550.163.01", path: rim },
    });
    const { subject, predicate } = statementOf(payload);
    expect(predicate.upstream).toEqual({ version: "550.163.01", tag: "550.163.01", commit: null });
    expect(predicate.vermagic).toBe(VERMAGIC);
    expect(predicate.modules.map((module: { fileName: string }) => module.fileName)).toEqual([
      "nvidia.ko",
      "sub/nvidia-uvm.ko",
    ]);
    expect(predicate.patches).toMatchObject({ count: 1, inline: [{ subject: "pmc-boot-42-synthesis" }] });
    expect(predicate.libraries).toEqual([
      { fileName: "libnvidia-pkcs11-openssl3.so.550.163.01", sha256: hash("sha256", "library"), size: 7 },
    ]);
    expect(predicate.rim.sha256).toBe(hash("sha256", rimOf("550.163.01")));
    expect(subject.map(({ name }) => name)).toEqual([
      "nvidia.ko",
      "sub/nvidia-uvm.ko",
      "libnvidia-pkcs11-openssl3.so.550.163.01",
    ]);
  });

  it("takes no other vendor's module for NVIDIA's driver", async () => {
    folder.write("scsi/mpt3sas.ko", moduleOf({ version: "43.100.00.00" }));
    const scsi = await refusal({ modules: `${folder.path}/scsi` });
    expect(scsi?.message).toMatch(/nvidia\.ko is not among the modules/);
    folder.write("mixed/nvidia.ko", moduleOf({}));
    folder.write("mixed/mpt3sas.ko", moduleOf({}));
    const mixed = await refusal({ modules: `${folder.path}/mixed` });
    expect(mixed?.message).toMatch(/mpt3sas\.ko is no module of NVIDIA's driver/);
  });

  it("is of the kernel that it names: vermagic begins with its release", async () => {
    const { payload } = await describeKernelPatchSet({
      ...KERNEL_INPUT,
      outputs: [folder.write("bzImage", bzImage("6.12.108-gold (ci@example) #1 SMP"))],
    });
    const other = folder.write("other-kernel.json", payload);
    expect((await refusal({ kernel: other }))?.message).toMatch(
      /built for kernel 6\.12\.107-gold, .* describes kernel 6\.12\.108-gold/,
    );
    const same = await describeKernelPatchSet({
      ...KERNEL_INPUT,
      outputs: [folder.write("bzImage", bzImage("6.12.107-gold (ci@example) #1 SMP"))],
    });
    expect(statementOf(same.payload).predicate.kernelRelease).toBe("6.12.107-gold");
    const fits = await describeDriverBuild({
      ...input,
      kernel: folder.write("same-kernel.json", same.payload),
    });
    expect(statementOf(fits.payload).predicate.vermagic).toBe(VERMAGIC);
  });

  it("is of the version of its RIM, by the id and by the file", async () => {
    const byId = await refusal({ rim: { id: "NV_GPU_DRIVER_GH100_550.163.02" } });
    expect(byId?.message).toMatch(/is of driver 550\.163\.02, the modules are 550\.163\.01/);
    const path = folder.write("other.xml", rimOf("550.163.02"));
    const byFile = await refusal({ rim: { id: "rim", path } });
    expect(byFile?.message).toMatch(/other\.xml is of 550\.163\.02, the modules are 550\.163\.01/);
    expect((await refusal({ rim: { id: "rim", path: folder.write("no.xml", "<rim/>") } }))?.message).toMatch(
      /no\.xml/,
    );
  });

  it("refers to the kernel by its payload's digest, given as statement or as envelope", async () => {
    const signed = await signEnvelope({ payload: kernelPayload, signatures: [] }, [
      parseSigningKey(generateSigningKey()),
    ]);
    const envelope = folder.write("kernel.dsse.json", JSON.stringify(envelopeToJson(signed)));
    for (const path of [kernel, envelope]) {
      const { payload } = await describeDriverBuild({ ...input, kernel: path });
      expect(statementOf(payload).predicate.kernel).toEqual({
        kind: "kernel-patch-set",
        name: "acme/linux",
        version: "1.0-1",
        digest: hash("sha256", kernelPayload),
      });
    }
  });

  it("is the same, byte for byte, when run again", async () => {
    const [first, second] = [await describeDriverBuild(input), await describeDriverBuild(input)];
    expect(Buffer.from(second.payload)).toEqual(Buffer.from(first.payload));
    expect(new TextDecoder().decode(first.payload)).not.toContain(folder.path);
  });

  it("is refused when modules are of two drivers or two kernels, or when there are none", async () => {
    folder.write("versions/nvidia-uvm.ko", moduleOf({}));
    folder.write("versions/nvidia.ko", moduleOf({ version: "580.95.05" }));
    expect((await refusal({ modules: `${folder.path}/versions` }))?.message).toMatch(
      /version is "550.163.01" and "580.95.05"/,
    );
    folder.write("kernels/nvidia.ko", moduleOf({}));
    folder.write("kernels/nvidia-uvm.ko", moduleOf({ vermagic: "6.1.0 " }));
    expect((await refusal({ modules: `${folder.path}/kernels` }))?.message).toMatch(/vermagic is/);
    expect((await refusal({ modules: `${folder.path}/lib` }))?.message).toMatch(/no kernel modules/);
  });

  it("is refused for another kind in the kernel's place, and for a folder without the libraries", async () => {
    const driver = folder.write("driver.json", (await describeDriverBuild(input)).payload);
    expect((await refusal({ kernel: driver }))?.message).toMatch(
      /is of kind driver-build, expected kernel-patch-set/,
    );
    expect((await refusal({ kernel: folder.write("noise", "{}") }))?.message).toMatch(/./);
    expect((await refusal({ libraries: `${folder.path}/built` }))?.message).toMatch(/no libnvidia-pkcs11/);
  });

  it("takes an observation of this build only", async () => {
    const observed: Observation = {
      driverVersion: "550.163.01",
      modules: [
        { name: "nvidia", srcversion: "A".repeat(23) },
        { name: "nvidia_uvm", srcversion: "B".repeat(23) },
      ],
      gpus: [],
      firmwareFiles: [],
    };
    const { payload } = await describeDriverBuild({ ...input, observed });
    expect(statementOf(payload).predicate.observed).toEqual(observed);
    const older = await refusal({ observed: { ...observed, driverVersion: "535.1" } });
    expect(older?.message).toMatch(/runs driver 535.1, the modules are 550.163.01/);
    const other = await refusal({
      observed: { ...observed, modules: [{ name: "nvidia_uvm", srcversion: "C" }] },
    });
    expect(other?.message).toMatch(/runs nvidia_uvm of srcversion C, sub\/nvidia-uvm.ko is B/);
  });
});

describe("the CC firmware in a module without symbols", () => {
  it("is found in the source tree, and by the source's bytes in .rodata", async () => {
    folder.write("stripped/nvidia.ko", moduleOf({}, Buffer.concat([text("before"), IMAGE, text("after")])));
    const tree = sourceTree("source", IMAGE, IMAGE);
    const { payload } = await describeDriverBuild({
      ...input,
      modules: `${folder.path}/stripped`,
      sourceTree: tree,
    });
    const common = { sha384: hash("sha384", IMAGE), size: IMAGE.length };
    expect(statementOf(payload).predicate.ccFirmware).toEqual([
      { foundIn: `nvidia.ko .rodata, bytes of source array ${PREFIX}_image_data`, ...common },
      {
        foundIn: `source g_bindata_kgspGetBinArchiveGspRmCcFmcGfwProdSigned_GH100.c, array ${PREFIX}_image_data`,
        ...common,
      },
    ]);
  });

  it("is unpacked, as is its digest, when the build packed them, and found by its packed bytes", async () => {
    folder.write("packed-module/nvidia.ko", moduleOf({}, Buffer.concat([text("before"), pack(IMAGE)])));
    const tree = sourceTree("packed", IMAGE, IMAGE, pack);
    const modules = `${folder.path}/packed-module`;
    const { payload } = await describeDriverBuild({ ...input, modules, sourceTree: tree });
    const found = statementOf(payload).predicate.ccFirmware;
    const inEach = { sha384: hash("sha384", IMAGE), size: IMAGE.length };
    expect(found).toMatchObject([inEach, inEach]);
    expect(found[0].foundIn).toContain("nvidia.ko .rodata");
  });

  it("is refused when it is not what the digest beside it says", async () => {
    const error = await refusal({ sourceTree: sourceTree("lying", IMAGE, text("other")) });
    expect(error?.message).toMatch(/has not the SHA-384 that is compiled in beside it/);
  });

  it("is not claimed where it was not found", async () => {
    const { payload } = await describeDriverBuild(input);
    expect(statementOf(payload).predicate.ccFirmware).toEqual([]);
  });
});

describeWithTool(["gcc", "strip", "nm"], "the CC firmware in a module that gcc made", () => {
  it("is found by its symbols; stripped of them, by its bytes", async () => {
    const tree = sourceTree("compiled", IMAGE, IMAGE);
    const info = `version=550.163.01\\0depends=\\0vermagic=${VERMAGIC}`;
    const source = folder.write(
      "nv.c",
      `typedef unsigned char NvU8;\n#define BINDATA_CONST __attribute__((used)) const\n#define BINDATA_INCLUDE_DATA
#include "${tree}/src/nvidia/generated/g_bindata_kgspGetBinArchiveGspRmCcFmcGfwProdSigned_GH100.c"
__attribute__((section(".modinfo"), used)) static const char info[] = "${info}";\n`,
    );
    folder.write("symbols/x", "");
    const path = `${folder.path}/symbols/nvidia.ko`;
    execFileSync("gcc", ["-c", "-o", path, source]);
    const describeIn = async (modules: string) =>
      statementOf((await describeDriverBuild({ ...input, modules, sourceTree: tree })).payload).predicate
        .ccFirmware[0];
    const named = await describeIn(`${folder.path}/symbols`);
    expect(named).toEqual({
      foundIn: `nvidia.ko .rodata, symbol ${PREFIX}_image_data`,
      sha384: hash("sha384", IMAGE),
      size: IMAGE.length,
    });
    expect(execFileSync("nm", ["-S", path], { encoding: "utf8" })).toMatch(
      new RegExp(`1388 r ${PREFIX}_image_data`),
    );
    execFileSync("strip", ["--strip-all", path]);
    expect(await describeIn(`${folder.path}/symbols`)).toMatchObject({
      foundIn: expect.stringContaining("bytes of source array"),
    });
  });
});
