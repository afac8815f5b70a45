import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { withUnpacked } from "../../../../src/publisher/describe/formats/decompress.ts";
import { describeKernelModule } from "../../../../src/publisher/describe/formats/kernel-module.ts";
import { malformedOf } from "../../../support/refusals.ts";
import { scratchFolder } from "../scratch-folder.ts";
import { describeWithTool } from "../with-tool.ts";
import { makeElf } from "./make-elf.ts";

const folder = scratchFolder();
const MODINFO =
  "version=550.163.01\0\0\0srcversion=0123456789ABCDEF0123456\0depends=drm,i2c-core\0alias=pci:v1\0alias=pci:v2\0" +
  "vermagic=6.12.107-test SMP preempt mod_unload modversions \0";
const text = (value: string) => new TextEncoder().encode(value);
const moduleOf = (modinfo: string) => makeElf([{ name: ".modinfo", bytes: text(modinfo) }]);
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const MARKER = text("~Module signature appended~\n");

/** A signature of `length` bytes as the trailer says it, whatever the bytes are. */
function appended(elf: Uint8Array, signature: Uint8Array, length = signature.length, type = 2): Uint8Array {
  const trailer = new Uint8Array(12);
  trailer[2] = type;
  new DataView(trailer.buffer).setUint32(8, length);
  return Buffer.concat([elf, signature, trailer, MARKER]);
}

const refusal = (name: string, bytes: Uint8Array) =>
  malformedOf(() => describeKernelModule(folder.write(name, bytes), name));

describe("a kernel module", () => {
  it("states version, srcversion, vermagic and depends, and its digests packed and unpacked", async () => {
    const elf = moduleOf(MODINFO);
    const packed = gzipSync(elf);
    const described = await describeKernelModule(folder.write("a/gold.ko.gz", packed), "a/gold.ko.gz");
    expect(described).toEqual({
      fileName: "a/gold.ko.gz",
      sha256: sha256(packed),
      size: packed.length,
      uncompressedSha256: sha256(elf),
      version: "550.163.01",
      srcversion: "0123456789ABCDEF0123456",
      vermagic: "6.12.107-test SMP preempt mod_unload modversions ",
      depends: ["drm", "i2c-core"],
      signer: null,
    });
  });

  it.each<[string, Uint8Array, RegExp]>([
    ["no .modinfo", makeElf([{ name: ".text", bytes: text("x") }]), /no .modinfo/],
    ["no vermagic", moduleOf("version=1\0"), /no vermagic/],
    [
      "two vermagics, of which a reader would pick one",
      moduleOf("vermagic=a\0vermagic=b\0"),
      /vermagic twice/,
    ],
    ["a .modinfo without end", moduleOf("vermagic=a"), /does not end with a NUL/],
    [
      "bytes that are no text",
      makeElf([{ name: ".modinfo", bytes: Uint8Array.of(0xff, 0xfe, 0) }]),
      /not UTF-8/,
    ],
    [
      "a signature longer than the file",
      appended(moduleOf(MODINFO), text("sig"), 60_000),
      /signature of 60000 bytes/,
    ],
    [
      "a signature of 4 GiB",
      appended(moduleOf(MODINFO), text("sig"), 0xffffffff),
      /signature of 4294967295 bytes/,
    ],
    [
      "a signature that is no PKCS#7",
      appended(moduleOf(MODINFO), text("0123456789")),
      /no PKCS#7 SignedData/,
    ],
    [
      "a signature of an old type",
      appended(moduleOf(MODINFO), text("0123456789"), 10, 1),
      /type 1, not PKCS#7/,
    ],
    ["nothing but a signature's end", Buffer.concat([MARKER]), /the ELF header needs 64 bytes/],
  ])("is refused with %s", async (_name, bytes, message) => {
    expect((await refusal("hostile.ko", bytes))?.message).toMatch(message);
  });

  it("is refused when gzip data is cut or damaged", async () => {
    const packed = gzipSync(moduleOf(MODINFO));
    expect((await refusal("cut.ko.gz", packed.subarray(0, packed.length - 9)))?.message).toMatch(
      /does not unpack as gzip/,
    );
    packed[packed.length - 6]! ^= 1;
    expect((await refusal("bad.ko.gz", packed))?.message).toMatch(/does not unpack as gzip/);
  });
});

describe("a decompression bomb", () => {
  const zeros = new Uint8Array(4 * 1024 * 1024);
  const bombError = (path: string) =>
    malformedOf(() => withUnpacked(path, "kernel module", async () => {}, 1024 * 1024));

  it("of gzip ends at the limit", async () => {
    const error = await bombError(folder.write("bomb.ko.gz", gzipSync(zeros)));
    expect(error?.message).toMatch(/unpacks to more than 1048576 bytes/);
  });

  describeWithTool(["xz", "zstd"], "of xz and zstd", () => {
    it.each(["xz", "zstd"])("of %s ends at the limit", async (tool) => {
      const packed = execFileSync(tool, ["-c"], { input: zeros });
      const error = await bombError(folder.write(`bomb.ko.${tool}`, packed));
      expect(error?.message).toMatch(/unpacks to more than 1048576 bytes/);
    });

    it.each(["xz", "zstd"])("cut %s data is refused", async (tool) => {
      const packed = execFileSync(tool, ["-c"], { input: moduleOf(MODINFO) });
      const error = await bombError(folder.write(`cut.ko.${tool}`, packed.subarray(0, packed.length - 5)));
      expect(error?.message).toMatch(new RegExp(`does not unpack as ${tool}`));
    });
  });
});

describeWithTool(
  ["gcc", "openssl", "modinfo", "xz", "zstd"],
  "a module built, signed and packed by Linux's own means",
  () => {
    const field = (path: string, name: string) =>
      execFileSync("modinfo", ["-F", name, path], {
        encoding: "utf8",
        env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
      }).replace(/\n$/, "");

    function buildSigned(): string {
      const source = folder.write(
        "built.c",
        `__attribute__((section(".modinfo"), used)) static const char info[] = ${JSON.stringify(MODINFO.slice(0, -1)).replaceAll("\\u0000", "\\0")};`,
      );
      const [plain, key, certificate] = ["built.o", "key.pem", "cert.pem"].map(
        (name) => `${folder.path}/${name}`,
      ) as [string, string, string];
      execFileSync("gcc", ["-c", "-o", plain, source]);
      execFileSync(
        "openssl",
        [
          "req",
          "-x509",
          "-newkey",
          "rsa:2048",
          "-nodes",
          "-subj",
          "/O=Test/CN=Gold module key",
          "-keyout",
          key,
          "-out",
          certificate,
        ],
        { stdio: "ignore" },
      );
      const signature = execFileSync("openssl", [
        "cms",
        "-sign",
        "-binary",
        "-noattr",
        "-nocerts",
        "-md",
        "sha256",
        "-signer",
        certificate,
        "-inkey",
        key,
        "-in",
        plain,
        "-outform",
        "DER",
      ]);
      return folder.write("built.ko", appended(readFileSync(plain), signature));
    }

    it("reads as modinfo reads it, in every packing", async () => {
      const plain = buildSigned();
      const bytes = readFileSync(plain);
      const packed = [
        plain,
        folder.write("packed.ko.gz", gzipSync(bytes)),
        folder.write("packed.ko.xz", execFileSync("xz", ["-c", "--check=crc32"], { input: bytes })),
        folder.write("packed.ko.zst", execFileSync("zstd", ["-c"], { input: bytes })),
      ];
      for (const path of packed) {
        const described = await describeKernelModule(path, "built.ko");
        expect(described.signer).toBe("Gold module key");
        expect(described.uncompressedSha256).toBe(sha256(bytes));
        // Debian's kmod is built without gzip.
        if (path.endsWith(".gz")) continue;
        expect(field(path, "signer")).toBe(described.signer);
        expect(field(path, "version")).toBe(described.version);
        expect(field(path, "srcversion")).toBe(described.srcversion);
        expect(field(path, "vermagic")).toBe(described.vermagic);
        expect(field(path, "depends")).toBe(described.depends.join(","));
      }
    });
  },
);
