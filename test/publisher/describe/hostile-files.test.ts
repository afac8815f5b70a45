// Any change of any file is read or refused with MalformedError that names the file: never another error, never a hang. And a large
// image costs no memory.
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MalformedError } from "../../../src/protocol/errors.ts";
import { type RandomAccess, withFile } from "../../../src/publisher/describe/files/random-access.ts";
import {
  readVeritySuperblock,
  recomputeVerityRoot,
  treeOffset,
} from "../../../src/publisher/describe/formats/dm-verity.ts";
import { readSecureBootVariable } from "../../../src/publisher/describe/formats/efi-signature-list.ts";
import { readErofsSuperblock } from "../../../src/publisher/describe/formats/erofs.ts";
import { openFat } from "../../../src/publisher/describe/formats/fat.ts";
import { findEntry, listDirectory } from "../../../src/publisher/describe/formats/fat-directory.ts";
import { measureGpt } from "../../../src/publisher/describe/formats/gpt.ts";
import { computeMrtd, readTdvfSections } from "../../../src/publisher/describe/formats/tdvf.ts";
import { readUki } from "../../../src/publisher/describe/formats/uki.ts";
import { describeRootfs } from "../../../src/publisher/describe/rootfs.ts";
import { buildUki, haveStub, makeSigner } from "./formats/build-uki.ts";
import { makeFat, ROOT } from "./formats/fat-image.ts";
import { makeGptDisk, sealGpt } from "./formats/gpt-disk.ts";
import { makeTdvf, SECTIONS } from "./formats/make-tdvf.ts";
import { haveTool } from "./with-tool.ts";

let folder: string;
const at = (name: string) => join(folder, name);
const run = (tool: string, ...args: string[]) => execFileSync(tool, args, { stdio: "pipe" });
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-hostile-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Overwrites up to four runs of bytes, most of them among the headers, and perhaps cuts the file. */
async function attack(
  original: Uint8Array,
  headers: number,
  read: (path: string) => Promise<unknown>,
  numRuns = 400,
): Promise<void> {
  const position = fc.oneof(
    { weight: 4, arbitrary: fc.nat(Math.min(headers, original.length) - 1) },
    fc.nat(original.length - 1),
  );
  const value = fc.oneof(
    fc.constantFrom(...[0, 0xff, 0x7f, 0x80].map((byte) => new Uint8Array(4).fill(byte))),
    fc.uint8Array({ minLength: 1, maxLength: 8 }),
  );
  const changes = fc.array(fc.tuple(position, value), { minLength: 1, maxLength: 4 });
  const path = at("attacked");
  const property = fc.asyncProperty(
    changes,
    fc.option(fc.nat(original.length), { freq: 4 }),
    async (edits, cut) => {
      const bytes = Buffer.from(original);
      for (const [offset, replacement] of edits)
        bytes.set(replacement.subarray(0, bytes.length - offset), offset);
      writeFileSync(path, cut === null ? bytes : bytes.subarray(0, cut));
      const error = await read(path).then(
        () => null,
        (reason: unknown) => reason,
      );
      if (error === null) return;
      expect(error).toBeInstanceOf(MalformedError);
    },
  );
  await fc.assert(property, { numRuns, seed: 20261123 });
}
const reader =
  <T>(format: string, read: (file: RandomAccess) => Promise<T>) =>
  (path: string) =>
    withFile(path, format, read);

describe("changed files", () => {
  it("are read or refused: TDX firmware", () =>
    attack(
      makeTdvf(SECTIONS).slice(16_000),
      16_768,
      reader("TDX firmware", async (file) => computeMrtd(file, await readTdvfSections(file), "two-pass")),
    ));

  it("are read or refused: GPT", () => attack(makeGptDisk(), 1600, reader("disk image", measureGpt)));

  it("are read or refused: GPT with right checksums", () =>
    attack(makeGptDisk(), 1600, async (path) => {
      writeFileSync(path, sealGpt(readFileSync(path)));
      await withFile(path, "disk image", measureGpt);
    }));

  it.each([12, 32] as const)("are read or refused: a FAT file system of %i bits", async (bits) => {
    const tree = { EFI: { BOOT: { "BOOTX64.EFI": new Uint8Array(1300), "a long name": new Uint8Array(9) } } };
    const bytes = makeFat(bits, tree);
    const read = reader("ESP", async (file) => {
      const volume = await openFat(file);
      await listDirectory(volume, await findEntry(volume, ["EFI", "BOOT"]));
      const entry = await findEntry(volume, ["EFI", "BOOT", "BOOTX64.EFI"]);
      if (entry === null) return;
      for await (const piece of volume.content(entry.cluster, entry.size)) expect(piece).not.toHaveLength(0);
    });
    await attack(bytes, 64, read, 200);
    // The table's first clusters, and the directories, are far from the boot sector.
    await attack(bytes, 540, read, 200);
    await attack(bytes, ROOT + 8 * 512, read, 200);
  });

  it.skipIf(!haveTool("mkfs.erofs"))("are read or refused: EROFS superblock", async () => {
    mkdirSync(at("root"));
    writeFileSync(at("root/file"), "content");
    run("mkfs.erofs", at("plain.erofs"), at("root"));
    const bytes = readFileSync(at("plain.erofs"));
    bytes[1032]! &= ~1;
    await attack(bytes, 1200, reader("EROFS image", readErofsSuperblock));
  });

  it.skipIf(!haveTool("veritysetup"))("are read or refused: verity superblock and tree", async () => {
    writeFileSync(at("data"), new Uint8Array(4096 * 130));
    run("veritysetup", "format", at("data"), at("tree"));
    await attack(readFileSync(at("tree")), 400, (path) =>
      withFile(at("data"), "data", (data) =>
        withFile(path, "verity tree", async (tree) => {
          const parameters = await readVeritySuperblock(tree, 0);
          return await recomputeVerityRoot(data, tree, treeOffset(0, parameters), parameters);
        }),
      ),
    );
  });

  it.skipIf(!haveStub || !haveTool("objcopy") || !haveTool("sbsign"))(
    "are read or refused: signed UKI",
    async () => {
      const { key, certificate } = makeSigner(folder, "Signer");
      const image = buildUki(folder, "image.efi", { ".cmdline": "roothash=00", ".initrd": "initrd" });
      run("sbsign", "--key", key, "--cert", certificate, "--output", at("signed.efi"), image);
      await attack(readFileSync(at("signed.efi")), 1024, reader("UKI", readUki), 120);
      // The same, with the bytes that matter at the front: the signature's.
      const signed = readFileSync(at("signed.efi"));
      const table = signed.readUInt32LE(signed.readUInt32LE(60) + 24 + 144);
      await attack(signed.subarray(table), 1500, async (path) => {
        writeFileSync(at("attacked.efi"), signed.subarray(0, table));
        appendFileSync(at("attacked.efi"), readFileSync(path));
        return await withFile(at("attacked.efi"), "UKI", readUki);
      });
    },
  );

  it.skipIf(!haveTool("sign-efi-sig-list"))("are read or refused: authenticated variable", async () => {
    const { key, certificate } = makeSigner(folder, "Platform");
    run("cert-to-efi-sig-list", certificate, at("db.esl"));
    run("sign-efi-sig-list", "-k", key, "-c", certificate, "db", at("db.esl"), at("db.auth"));
    await attack(readFileSync(at("db.auth")), 60, (path) => readSecureBootVariable(path, "db"));
    await attack(readFileSync(at("db.esl")), 60, (path) => readSecureBootVariable(path, "db"));
  });
});

describe.skipIf(!haveTool("mkfs.erofs") || !haveTool("veritysetup"))("a large image", () => {
  it("of 512 MiB is described in less than 100 MB more than before", async () => {
    mkdirSync(at("large"));
    writeFileSync(at("large/file"), "content");
    run("mkfs.erofs", at("large.erofs"), at("large"));
    truncateSync(at("large.erofs"), 512 * 1024 * 1024);
    const output = run("veritysetup", "format", at("large.erofs"), at("large.verity")).toString();
    const before = process.resourceUsage().maxRSS;
    const { verity } = await describeRootfs({
      image: at("large.erofs"),
      verity: at("large.verity"),
      mkfsArguments: [],
    });
    expect(process.resourceUsage().maxRSS - before, "KB").toBeLessThan(100_000);
    expect(output).toContain(verity.rootHash);
  });
});
