// UKIs against objdump, pesign, sbsign / sbverify and osslsigncode, and PE files made to deceive.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withFile } from "../../../../src/publisher/describe/files/random-access.ts";
import { commandLineValues, readUki, rootHashesOf } from "../../../../src/publisher/describe/formats/uki.ts";
import { describeWithTool, haveTool } from "../with-tool.ts";
import { buildUki, haveStub, makeSigner } from "./build-uki.ts";

const COMMAND_LINE = "console=ttyS0 lockdown=confidentiality systemd.verity_root_hash=00ff";
const read = (path: string) => withFile(path, "UKI", readUki);
/** Directory entry 4 of a PE32+ optional header at `at`. */
const setCertificateTable = (view: DataView, at: number, offset: number, length: number) => {
  view.setUint32(at + 144, offset, true);
  view.setUint32(at + 148, length, true);
};
const run = (tool: string, ...args: string[]) => execFileSync(tool, args, { stdio: "pipe" }).toString();

describe.skipIf(!haveStub)(`UKI${haveStub ? "" : " (skipped: systemd-boot-efi not installed)"}`, () => {
  describeWithTool(["objcopy", "objdump", "openssl"], "built by objcopy", () => {
    let folder: string;
    let image: string;
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), "touchstone-uki-"));
      image = buildUki(folder, "image.efi", {
        ".osrel": "ID=example\n",
        ".cmdline": `${COMMAND_LINE}\n\0`,
        ".uname": "6.1.0-example",
        ".initrd": new Uint8Array(512 * 700).map((_, i) => i * i),
      });
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    const changed = (
      name: string,
      change: (bytes: Buffer, view: DataView, optionalHeader: number, table: number) => void,
    ) => {
      const bytes = readFileSync(image);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      const optionalHeader = view.getUint32(60, true) + 24;
      change(bytes, view, optionalHeader, optionalHeader + view.getUint16(optionalHeader - 4, true));
      const path = join(folder, name);
      writeFileSync(path, bytes);
      return path;
    };

    it("has the sections, sizes and order that objdump shows", async () => {
      const shown = [...run("objdump", "-h", image).matchAll(/^ +\d+ (\S+) +([0-9a-f]+) /gm)];
      const uki = await read(image);
      expect(uki.sections.map(({ name, size }) => [name, size])).toEqual(
        shown.map(([, name, size]) => [name, Number.parseInt(size!, 16)]),
      );
    });

    it("digests each section as objcopy extracts it", async () => {
      for (const { name, sha256, sha384 } of (await read(image)).sections) {
        const content = join(folder, "section");
        run("objcopy", `--dump-section=${name}=${content}`, image, join(folder, "copy"));
        const digest = (algorithm: string) =>
          createHash(algorithm).update(readFileSync(content)).digest("hex");
        expect({ name, sha256, sha384 }).toEqual({
          name,
          sha256: digest("sha256"),
          sha384: digest("sha384"),
        });
      }
    });

    it("reads the command line without what ends it, and the root hash in it", async () => {
      const { commandLine } = await read(image);
      expect(commandLine).toBe(COMMAND_LINE);
      expect(rootHashesOf(commandLine)).toEqual(["00ff"]);
      expect(rootHashesOf("root=x roothash=ab notroothash=cd")).toEqual(["ab"]);
      expect(commandLineValues('a="b c" d="roothash=1 2" roothash=3', "roothash")).toEqual(["3"]);
    });

    it.skipIf(!haveTool("pesign"))(
      "has the Authenticode digest of pesign, of the kernel inside too",
      async () => {
        const hashOf = (path: string) => /hash: ([0-9a-f]{64})/.exec(run("pesign", "-h", "-i", path))?.[1];
        const uki = await read(image);
        expect(uki.authenticode.sha256).toBe(hashOf(image));
        const kernel = join(folder, "kernel.efi");
        run("objcopy", `--dump-section=.linux=${kernel}`, image, join(folder, "copy"));
        expect(uki.kernelAuthenticode.sha256).toBe(hashOf(kernel));
      },
    );

    it.skipIf(!haveTool("sbsign") || !haveTool("sbverify"))(
      "keeps its digest when sbsign signs it, and names every signer",
      async () => {
        const signers = ["First", "Second"].map((name) => makeSigner(folder, name));
        let path = image;
        for (const [i, { key, certificate }] of signers.entries()) {
          const signed = join(folder, `signed-${i}.efi`);
          run("sbsign", "--key", key, "--cert", certificate, "--output", signed, path);
          run("sbverify", "--cert", certificate, signed);
          path = signed;
        }
        const [plain, signed] = [await read(image), await read(path)];
        expect(signed.authenticode).toEqual(plain.authenticode);
        expect(signed.sha256).not.toBe(plain.sha256);
        expect(signed.signatures.map(({ subject }) => subject)).toEqual([
          "O=Example, CN=First",
          "O=Example, CN=Second",
        ]);
      },
    );

    it.skipIf(!haveTool("sbsign"))(
      "takes no other issuer's certificate of the same serial number for the signer's",
      async () => {
        const [signer, stranger] = ["Signer of 7", "Stranger of 7"].map((name) =>
          makeSigner(folder, name, 7),
        );
        const signed = join(folder, "signed-by-7.efi");
        const certificates = ["--cert", signer!.certificate, "--addcert", stranger!.certificate];
        run("sbsign", "--key", signer!.key, ...certificates, "--output", signed, image);
        const { signatures } = await read(signed);
        expect(signatures.map(({ subject }) => subject)).toEqual(["O=Example, CN=Signer of 7"]);
      },
    );

    it.skipIf(!haveTool("osslsigncode"))(
      "has the SHA-256 and SHA-384 Authenticode digests of osslsigncode",
      async () => {
        const { key, certificate } = makeSigner(folder, "Signer");
        for (const algorithm of ["sha256", "sha384"] as const) {
          const signed = join(folder, `osslsigncode-${algorithm}.efi`);
          run(
            "osslsigncode",
            "sign",
            "-h",
            algorithm,
            "-certs",
            certificate,
            "-key",
            key,
            "-in",
            image,
            "-out",
            signed,
          );
          const said = run("osslsigncode", "verify", "-CAfile", certificate, "-in", signed);
          const uki = await read(signed);
          expect(uki.authenticode[algorithm]).toBe(
            /Calculated message digest +: ([0-9A-F]+)/.exec(said)?.[1]?.toLowerCase(),
          );
          expect(uki.signatures).toEqual([
            { sha256: expect.stringMatching(/^[0-9a-f]{64}$/), subject: "O=Example, CN=Signer" },
          ]);
        }
      },
    );

    it.skipIf(!haveTool("sbsign") || !haveTool("sbattach"))(
      "refuses a signature taken from another image",
      async () => {
        const { key, certificate } = makeSigner(folder, "Other");
        const other = buildUki(folder, "other.efi", {
          ".cmdline": "roothash=11",
          ".initrd": new Uint8Array(512),
        });
        run("sbsign", "--key", key, "--cert", certificate, "--output", `${other}.signed`, other);
        run("sbattach", "--detach", join(folder, "signature"), `${other}.signed`);
        const victim = changed("victim.efi", () => {});
        run("sbattach", "--attach", join(folder, "signature"), victim);
        await expect(read(victim)).rejects.toThrow(
          /signature is over an image with Authenticode digest [0-9a-f]{64} \(at byte \d+\)/,
        );
      },
    );

    it("refuses an image cut short at any point, with file and offset", async () => {
      const view = new DataView(readFileSync(image).buffer);
      const table = view.getUint32(60, true) + 24 + 240;
      const last = table + (view.getUint16(table - 258, true) - 1) * 40;
      const end = view.getUint32(last + 16, true) + view.getUint32(last + 20, true);
      const path = changed("cut.efi", () => {});
      const step = Math.floor(end / 60);
      const lengths = [...Array(60).keys()].map((i) => i * step).concat(1, 63, 64, 1024, end - 512, end - 1);
      for (const length of lengths.sort((a, b) => b - a)) {
        truncateSync(path, length);
        await expect(read(path), `${length} bytes`).rejects.toThrow(/cut\.efi: .* \(at byte \d+\)$/);
      }
    });

    it.each<[string, (bytes: Buffer, view: DataView, optionalHeader: number, table: number) => void, RegExp]>(
      [
        ["no MZ", (bytes) => bytes.fill(0, 0, 1), /no MZ signature \(at byte 0\)/],
        [
          "a PE header beyond the end",
          (_, view) => view.setUint32(60, 0xfffffff0, true),
          /COFF header needs 24 bytes/,
        ],
        ["another signature than PE", (_, view, at) => view.setUint8(at - 24, 0x4e), /no PE signature/],
        ["no sections", (_, view, at) => view.setUint16(at - 18, 0, true), /0 sections/],
        ["65535 sections", (_, view, at) => view.setUint16(at - 18, 65535, true), /65535 sections/],
        [
          "a section table beyond the headers",
          (_, view, at) => view.setUint16(at - 18, 96, true),
          /section table ends after/,
        ],
        [
          "an optional header of 2 bytes",
          (_, view, at) => view.setUint16(at - 4, 2, true),
          /optional header of 2 bytes/,
        ],
        ["a magic of no PE format", (_, view, at) => view.setUint16(at, 0x107, true), /magic 0x107/],
        [
          "2^32 - 1 data directories",
          (_, view, at) => view.setUint32(at + 108, 0xffffffff, true),
          /4294967295 data directories/,
        ],
        [
          "headers beyond the end",
          (_, view, at) => view.setUint32(at + 60, 0xffffffff, true),
          /the headers needs 4294967295/,
        ],
        [
          "a certificate table in the middle",
          (_, view, at) => setCertificateTable(view, at, 512, 512),
          /certificate table does not end/,
        ],
        [
          "a certificate table that overflows",
          (_, view, at) => setCertificateTable(view, at, 0xffffffff, 0xffffffff),
          /certificate table does not end/,
        ],
        [
          "a certificate table over sections",
          (bytes, view, at) => setCertificateTable(view, at, 4096, bytes.length - 4096),
          /certificate table overlaps a section/,
        ],
        [
          "a section beyond the end",
          (_, view, __, table) => view.setUint32(table + 16, 0xfffffe00, true),
          /section \.text needs 4294966784 bytes/,
        ],
        [
          "a section that overlaps the headers",
          (_, view, __, table) => view.setUint32(table + 20, 0, true),
          /section \.text overlaps what is before it/,
        ],
        [
          "two sections on the same bytes",
          (_, view, __, table) => view.setUint32(table + 40 + 20, view.getUint32(table + 20, true), true),
          /section \.(text|reloc) overlaps what is before it/,
        ],
        [
          "a gap between sections",
          (_, view, __, table) => view.setUint32(table + 16, view.getUint32(table + 16, true) - 512, true),
          /leaves a gap after byte/,
        ],
        [
          "sections on the same memory",
          (_, view, __, table) => view.setUint32(table + 40 + 12, view.getUint32(table + 12, true), true),
          /overlaps another in memory/,
        ],
        [
          "4 GiB of zeros in a section",
          (bytes, view, __, table) => view.setUint32(bytes.indexOf(".initrd\0", table) + 8, 0xfffffff0, true),
          /section \.initrd has \d+ bytes that are not in the file/,
        ],
        [
          "a section name of control characters",
          (_, view, __, table) => view.setUint8(table, 10),
          /section name/,
        ],
        [
          "a second .cmdline",
          (bytes, _, __, table) => bytes.write(".cmdline", bytes.indexOf(".osrel\0\0", table), "latin1"),
          /2 sections \.cmdline/,
        ],
        [
          "no .linux",
          (bytes, _, __, table) => bytes.write(".nothing", bytes.indexOf(".linux\0\0", table), "latin1"),
          /0 sections \.linux/,
        ],
        [
          "a NUL in the command line",
          (bytes) => bytes.write("\0", bytes.indexOf(COMMAND_LINE) + 7),
          /text after a NUL/,
        ],
        [
          "a kernel that is no PE image",
          (bytes, view, __, table) =>
            view.setUint8(view.getUint32(bytes.indexOf(".linux\0\0", table) + 20, true), 0),
          /^kernel of .*no MZ signature/,
        ],
      ],
    )("refuses a UKI with %s", async (name, change, message) => {
      await expect(read(changed(`${name.replaceAll(/\W/g, "-")}.efi`, change))).rejects.toThrow(message);
    });
  });
});
