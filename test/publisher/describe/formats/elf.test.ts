import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { withFile } from "../../../../src/publisher/describe/files/random-access.ts";
import {
  type Elf,
  findSection,
  findSymbols,
  readElf,
  readNotes,
  readSectionBytes,
} from "../../../../src/publisher/describe/formats/elf.ts";
import { malformedOf } from "../../../support/refusals.ts";
import { scratchFolder } from "../scratch-folder.ts";
import { describeWithTool } from "../with-tool.ts";
import { makeElf, sectionField, withNumber } from "./make-elf.ts";

const folder = scratchFolder();
const text = (value: string) => new TextEncoder().encode(value);
const sound = makeElf([
  { name: ".first", bytes: text("one") },
  { name: ".second", bytes: text("two!") },
]);

let count = 0;
async function open<T>(bytes: Uint8Array, use: (elf: Elf) => Promise<T>): Promise<T> {
  const path = folder.write(`elf-${count++}`, bytes);
  return await withFile(path, "ELF file", async (file) => use(await readElf(file)));
}
const refusal = (bytes: Uint8Array) => malformedOf(() => open(bytes, async () => {}));

describe("an ELF file", () => {
  it("gives its sections by name", async () => {
    const read = await open(sound, async (elf) => {
      const second = findSection(elf, ".second");
      return {
        names: elf.sections.map(({ name }) => name),
        second: second && (await readSectionBytes(elf, second)),
      };
    });
    expect(read.names).toEqual(["", ".first", ".second", ".shstrtab"]);
    expect(read.second).toEqual(text("two!"));
  });

  it("is refused when cut anywhere, with the file's name and an offset", async () => {
    for (let length = 0; length < sound.length; length++) {
      const error = await refusal(sound.subarray(0, length));
      expect(error?.message, `${length} bytes`).toContain(folder.path);
      expect(error?.at, `${length} bytes`).toMatch(/^byte \d+$/);
    }
  });

  it.each<[string, Uint8Array, RegExp]>([
    ["another magic", withNumber(sound, 0, 4, 0), /no ELF magic/],
    ["32 bits", withNumber(sound, 4, 2, 0x0101), /64-bit/],
    ["big endian", withNumber(sound, 4, 2, 0x0202), /little-endian/],
    ["section headers of another size", withNumber(sound, 58, 2, 40), /section headers of 40/],
    ["no sections", withNumber(sound, 60, 2, 0), /0 sections/],
    ["extended section numbers", withNumber(sound, 60, 2, 0xff00), /65280 sections/],
    ["more sections than the file can hold", withNumber(sound, 60, 2, 60_000), /section header table needs/],
    [
      "a section table at 2^64-1",
      withNumber(sound, 40, 8, 2n ** 64n - 1n),
      /offset or size of 18446744073709551615/,
    ],
    ["a section table at 2^53-1", withNumber(sound, 40, 8, 2n ** 53n - 1n), /section header table needs/],
    ["names in no section", withNumber(sound, 62, 2, 99), /holds no section names/],
    ["names in a section of code", withNumber(sound, 62, 2, 1), /holds no section names/],
    ["a name past the names", withNumber(sound, sectionField(sound, 1, 0), 4, 999), /name without end/],
    ["a section past the end", withNumber(sound, sectionField(sound, 1, 24), 8, 1 << 30), /section 1 needs/],
    [
      "a section whose size wraps around",
      withNumber(sound, sectionField(sound, 1, 32), 8, 2n ** 64n - 64n),
      /size of/,
    ],
    [
      "a section of 2^52 bytes",
      withNumber(sound, sectionField(sound, 1, 32), 8, 2n ** 52n),
      /section 1 needs/,
    ],
    ["overlapping sections", withNumber(sound, sectionField(sound, 2, 24), 8, 66), /.second overlaps .first/],
    [
      "a section over the ELF header",
      withNumber(sound, sectionField(sound, 1, 24), 8, 8),
      /overlaps the ELF header/,
    ],
    ["a section over the section table", withNumber(sound, sectionField(sound, 1, 32), 8, 100), /overlaps/],
  ])("is refused with %s", async (_name, bytes, message) => {
    expect((await refusal(bytes))?.message).toMatch(message);
  });

  it("is refused when two sections bear the name that is asked for", async () => {
    const twins = makeElf([
      { name: ".modinfo", bytes: text("a=b\0") },
      { name: ".modinfo", bytes: text("c=d\0") },
    ]);
    const error = await malformedOf(() => open(twins, async (elf) => findSection(elf, ".modinfo")));
    expect(error?.message).toMatch(/two sections are named .modinfo/);
  });

  it("is refused when a note is longer than its section", async () => {
    const note = Uint8Array.of(4, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0x47, 0x4e, 0x55, 0);
    const error = await malformedOf(() =>
      open(makeElf([{ name: ".note", type: 7, bytes: note }]), readNotes),
    );
    expect(error?.message).toMatch(/a note's description needs 4294967295 bytes/);
  });

  it("is refused when a symbol ends outside its section", async () => {
    const symbol = new Uint8Array(24);
    new DataView(symbol.buffer).setUint16(6, 1, true);
    new DataView(symbol.buffer).setBigUint64(16, 9n, true);
    const elf = makeElf([
      { name: ".data", bytes: text("12345678") },
      { name: ".symtab", type: 2, bytes: symbol, link: ".strtab" },
      { name: ".strtab", type: 3, bytes: text("\0") },
    ]);
    const error = await malformedOf(() => open(elf, (read) => findSymbols(read, /^$/)));
    expect(error?.message).toMatch(/ends outside section .data/);
  });
});

describeWithTool(["gcc", "readelf"], "a file that gcc made", () => {
  it("reads as readelf reads it: sections, notes and symbols", async () => {
    const source = folder.write(
      "made.c",
      `const unsigned char stone[48] = {1, 2, 3};
       int gold(int x) { return x + stone[1]; }
       __asm__(".section .note.test,\\"\\",@note\\n.long 5,6,77\\n.asciz \\"Gold\\"\\n.balign 4\\n.ascii \\"abcdef\\"\\n.balign 4\\n.text");`,
    );
    const path = `${folder.path}/made.o`;
    execFileSync("gcc", ["-c", "-ffunction-sections", "-g", "-o", path, source]);
    const [sections, notes, [symbol]] = await withFile(path, "ELF file", async (file) => {
      const elf = await readElf(file);
      return [elf.sections, await readNotes(elf), await findSymbols(elf, /^stone$/)] as const;
    });
    const listed = execFileSync("readelf", ["-SW", path], { encoding: "utf8" });
    const rows = [...listed.matchAll(/^ *\[ *\d+\] (\S*) +\S+ +[0-9a-f]{16} ([0-9a-f]+) ([0-9a-f]+)/gm)];
    expect(sections.map(({ name, offset, size }) => [name, offset, size])).toEqual(
      rows.map(([, name, offset, size]) => [
        name,
        Number.parseInt(offset ?? "", 16),
        Number.parseInt(size ?? "", 16),
      ]),
    );
    expect(rows.length).toBeGreaterThan(10);
    const test = notes.find(({ section }) => section === ".note.test");
    expect(test).toMatchObject({ name: "Gold", type: 77, description: text("abcdef") });
    expect(execFileSync("readelf", ["-nW", path], { encoding: "utf8" })).toMatch(/Gold\s+0x0*6\s.*0x0*4d/);
    expect(symbol).toMatchObject({ section: ".rodata", size: 48 });
  });
});
