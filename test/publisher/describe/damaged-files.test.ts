// Files damaged in every way that a random hand finds: a reader gives an answer or a MalformedError, never another error.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseSmiXml } from "../../../src/publisher/describe/driver/running-driver.ts";
import { describeKernelModule } from "../../../src/publisher/describe/formats/kernel-module.ts";
import { describeGspFirmware } from "../../../src/publisher/describe/gsp-firmware.ts";
import { readKernelConfig } from "../../../src/publisher/describe/kernel/kernel-config.ts";
import { readPatchHeader } from "../../../src/publisher/describe/patches/patch-header.ts";
import { readPatchNotes } from "../../../src/publisher/describe/patches/patch-notes.ts";
import { readSeries } from "../../../src/publisher/describe/patches/patch-series.ts";
import { linkProvenance } from "../../../src/publisher/describe/provenance.ts";
import { outcomeOf } from "../../support/refusals.ts";
import { H100, smiXml } from "./driver/smi-xml.ts";
import { makeElf } from "./formats/make-elf.ts";
import { RELEASE } from "./release-input.ts";
import { scratchFolder } from "./scratch-folder.ts";

const folder = scratchFolder();
const text = (value: string) => new TextEncoder().encode(value);
const der = (tag: number, ...parts: Uint8Array[]) => {
  const content = Buffer.concat(parts);
  return Buffer.concat([Uint8Array.of(tag, content.length), content]);
};
const SIGNED_DATA = Buffer.from("06092a864886f70d010702", "hex");
const COMMON_NAME = Buffer.from("0603550403", "hex");
const ONE = Uint8Array.of(2, 1, 1);
/** SignedData with one signer and nothing signed, appended as the kernel's build appends it. */
const ISSUER = der(0x30, der(0x31, der(0x30, COMMON_NAME, der(0x0c, text("Gold")))));
const SIGNER = der(0x30, ONE, der(0x30, ISSUER, ONE));
const SIGNATURE = der(0x30, SIGNED_DATA, der(0xa0, der(0x30, ONE, der(0x31), der(0x30), der(0x31, SIGNER))));
const TRAILER = Buffer.concat([
  Uint8Array.of(0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, SIGNATURE.length),
  text("~Module signature appended~\n"),
]);
const kernelModule = Buffer.concat([
  makeElf([{ name: ".modinfo", bytes: text("version=1.2\0depends=a,b\0vermagic=6.1 \0") }]),
  SIGNATURE,
  TRAILER,
]);
const firmware = makeElf([
  { name: ".fwimage", bytes: text("image") },
  { name: ".fwversion", bytes: text("550.1\0") },
  { name: ".fwsignature_gh100", bytes: text("signature") },
  {
    name: ".note.x",
    type: 7,
    bytes: Uint8Array.of(4, 0, 0, 0, 2, 0, 0, 0, 9, 0, 0, 0, 71, 83, 80, 0, 1, 2, 0, 0),
  },
]);
const provenance = JSON.stringify({
  payloadType: "application/vnd.in-toto+json",
  payload: Buffer.from("{}").toString("base64"),
  signatures: [{ sig: "AAAA" }],
});

let count = 0;
const atPath = (read: (path: string) => Promise<unknown>) => (bytes: Uint8Array) => {
  const name = count++ % 2 === 0 ? "damaged.toml" : "damaged.json";
  return read(folder.write(name, bytes));
};
const READERS: Record<string, [Uint8Array, (bytes: Uint8Array) => Promise<unknown>]> = {
  "a kernel module": [kernelModule, atPath((path) => describeKernelModule(path, "x.ko"))],
  "GSP firmware": [
    firmware,
    atPath((path) => describeGspFirmware({ release: RELEASE, files: [path], reports: [] })),
  ],
  "a kernel configuration": [
    text('# x\nCONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C="d"\n'),
    atPath(readKernelConfig),
  ],
  "patch notes": [text('"a.patch" = { purpose = "b", embargoed = true }\n'), atPath(readPatchNotes)],
  "a provenance": [text(provenance), atPath((path) => linkProvenance(path, []))],
  "a patch": [
    text("Subject: =?UTF-8?q?a=20b?=\n c\nDate: x\nOrigin: upstream, 1\n\ndiff --git a/b b/b\n"),
    async (bytes) => readPatchHeader(bytes, "x.patch"),
  ],
  "a series": [
    text("a.patch -p1\n# b\nc/d.patch\n"),
    async (bytes) => {
      folder.write("series/series", bytes);
      await readSeries(`${folder.path}/series`);
    },
  ],
  "the XML of nvidia-smi": [
    text(smiXml("550.1", [H100])),
    async (bytes) => parseSmiXml(Buffer.from(bytes).toString("latin1"), null),
  ],
};

/** One to four changes: a byte replaced, a stretch cut out, or a stretch repeated. */
const change = fc.tuple(
  fc.nat(),
  fc.nat(255),
  fc.integer({ min: 0, max: 2 }),
  fc.integer({ min: 1, max: 40 }),
);
function damage(bytes: Uint8Array, changes: readonly [number, number, number, number][]): Uint8Array {
  let damaged = Uint8Array.from(bytes);
  for (const [where, value, how, length] of changes) {
    const at = damaged.length === 0 ? 0 : where % damaged.length;
    if (how === 0) damaged[at] = value;
    const head = damaged.subarray(0, at);
    if (how === 1) damaged = Uint8Array.from([...head, ...damaged.subarray(at + length)]);
    if (how === 2) damaged = Uint8Array.from([...damaged.subarray(0, at + length), ...damaged.subarray(at)]);
  }
  return damaged;
}

describe("a damaged file", () => {
  it("was sound before: the module with its signer, the firmware with its version", async () => {
    const described = await describeKernelModule(folder.write("sound.ko", kernelModule), "sound.ko");
    expect(described).toMatchObject({ signer: "Gold", depends: ["a", "b"] });
    expect(await outcomeOf(() => READERS["GSP firmware"]?.[1](firmware))).toBe("accepted");
  });

  it.each(Object.entries(READERS))(
    "of the kind of %s is read or refused as malformed",
    async (_name, [sound, read]) => {
      await fc.assert(
        fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
          const outcome = await outcomeOf(() => read(damage(sound, changes)));
          expect(["accepted", "malformed", "provenance-other-artefact"]).toContain(outcome);
        }),
        { numRuns: 300 },
      );
    },
  );
});
