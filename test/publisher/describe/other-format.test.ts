// Every reader of a format, given a file of another: the message names the file, says what it looks like, and what to do.
import { describe, expect, it } from "vitest";
import { driverBuild } from "../../../src/protocol/entry/kinds/driver-build.ts";
import { kernelPatchSet } from "../../../src/protocol/entry/kinds/kernel-patch-set.ts";
import { readKnownGoodLog, readKnownGoodQuote } from "../../../src/publisher/describe/boot/known-good.ts";
import { withFile } from "../../../src/publisher/describe/files/random-access.ts";
import { readVeritySuperblock } from "../../../src/publisher/describe/formats/dm-verity.ts";
import { readSecureBootVariable } from "../../../src/publisher/describe/formats/efi-signature-list.ts";
import { readElf } from "../../../src/publisher/describe/formats/elf.ts";
import { readErofsSuperblock } from "../../../src/publisher/describe/formats/erofs.ts";
import { measureGpt } from "../../../src/publisher/describe/formats/gpt.ts";
import { readTdvfSections } from "../../../src/publisher/describe/formats/tdvf.ts";
import { readUki } from "../../../src/publisher/describe/formats/uki.ts";
import { readHardening } from "../../../src/publisher/describe/kernel/image-hardening.ts";
import { linkProvenance } from "../../../src/publisher/describe/provenance.ts";
import { readStatementReference } from "../../../src/publisher/describe/statement-reference.ts";
import { parseXml } from "../../../src/publisher/rim/parse-xml.ts";
import { malformedOf } from "../../support/refusals.ts";
import { scratchFolder } from "./scratch-folder.ts";

const folder = scratchFolder();
const content = Buffer.alloc(3000, "binary content \u0001 of some file");
const forms: [looksLike: string, bytes: string | Uint8Array][] = [
  ["hex text, decode it first (xxd -r -p)", `${content.toString("hex")}\n`],
  ["base64 text, decode it first (base64 -d)", content.toString("base64")],
  [
    "PEM (CERTIFICATE), give the bytes that it holds",
    `-----BEGIN CERTIFICATE-----\n${content.toString("base64")}\n-----END CERTIFICATE-----\n`,
  ],
  ['JSON with "quote", take the value out of it', `{"quote":"${content.toString("hex")}"}`],
  ["an HTML page, download the file again", `<!DOCTYPE html>${" ".repeat(3000)}`],
  ["a gzip file, unpack it first", Buffer.concat([Uint8Array.of(0x1f, 0x8b), content])],
];

const readers: Record<string, (path: string) => Promise<unknown>> = {
  UKI: (path) => withFile(path, "UKI", readUki),
  "EROFS image": (path) => withFile(path, "EROFS image", readErofsSuperblock),
  "dm-verity tree": (path) => withFile(path, "dm-verity tree", (file) => readVeritySuperblock(file, 0)),
  "disk image": (path) => withFile(path, "disk image", measureGpt),
  "TDX firmware": (path) => withFile(path, "TDX firmware", readTdvfSections),
  "ELF file": (path) => withFile(path, "ELF file", readElf),
  "EFI signature list": (path) => readSecureBootVariable(path, "PK"),
  "TDX quote": readKnownGoodQuote,
  "event log": readKnownGoodLog,
  statement: (path) => readStatementReference(path, driverBuild),
  certificate: (path) => readHardening("", undefined, [path]),
  "SLSA provenance": (path) => linkProvenance(path, []),
};
/** Forms that a reader takes: what is wrong with them is said in its own words. */
const own: Record<string, RegExp> = {
  statement: /^JSON/,
  "SLSA provenance": /^JSON/,
  certificate: /^PEM/,
};

describe.each(Object.entries(readers))("the reader of a %s", (format, read) => {
  it.each(forms)("says that it was given %s", async (looksLike, bytes) => {
    const path = folder.write("given", bytes);
    const message = (await malformedOf(() => read(path)))?.message;
    expect(message).toContain(`${format} ${path}: `);
    if (own[format]?.test(looksLike)) expect(message).not.toContain("it looks like");
    else expect(message).toContain(`: it looks like ${looksLike}`);
  });
});

describe("a reader of text", () => {
  it("says that a reference was given a broken envelope, and that a statement would do", async () => {
    const path = folder.write("kernel.dsse.json", '{"payload":"e30=","payloadType":"x","signatures":[]}');
    const error = await malformedOf(() => readStatementReference(path, kernelPatchSet));
    expect(error?.message).toContain("give the statement that was signed");
  });

  it("says that a RIM was given as the service's JSON", async () => {
    const error = await malformedOf(() => parseXml(Buffer.from('{"id":"NV_GPU","rim":"PD94"}')));
    expect(error?.message).toMatch(
      /not well-formed: it looks like JSON with "id", "rim", take the value out/,
    );
  });
});
