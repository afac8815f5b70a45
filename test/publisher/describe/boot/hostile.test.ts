// Firmware volumes, boot options, ACPI loader scripts and memory sizes that are broken: an error that names the file and the place, and never
// anything else, however the bytes are chosen.
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MalformedError } from "../../../../src/protocol/errors.ts";
import { measureAcpi } from "../../../../src/publisher/describe/boot/acpi-blobs.ts";
import {
  KERNEL_BOOT_OPTIONS,
  readBootOptions,
} from "../../../../src/publisher/describe/boot/boot-options.ts";
import { guestRam } from "../../../../src/publisher/describe/boot/guest-memory.ts";
import { measureBoot } from "../../../../src/publisher/describe/boot/measure.ts";
import { tdHob } from "../../../../src/publisher/describe/boot/td-hob.ts";
import { readVariableStore } from "../../../../src/publisher/describe/boot/variable-store.ts";
import { withFile } from "../../../../src/publisher/describe/files/random-access.ts";
import { makeTdvf, SECTIONS } from "../formats/make-tdvf.ts";
import { scratchFolder } from "../scratch-folder.ts";
import { firmwareOf, sectionsOf } from "./firmware-of.ts";
import { GLOBAL, makeVariableStore, SECURITY } from "./make-variable-store.ts";

const folder = scratchFolder();
const GIB = 2 ** 30;
const RUNS = { numRuns: 300 };

const VARIABLES = [
  { vendor: GLOBAL, name: "PK", data: Buffer.from("platform key") },
  { vendor: SECURITY, name: "db", data: Buffer.from("allowed") },
];

const readStore = (bytes: Uint8Array) =>
  withFile(folder.write("store.fd", bytes), "configuration volume", readVariableStore);

/** What an attempt throws must be of the file, and name it. */
async function outcome(attempt: () => Promise<unknown>): Promise<"read" | "malformed"> {
  try {
    await attempt();
    return "read";
  } catch (error) {
    expect(error).toBeInstanceOf(MalformedError);
    return "malformed";
  }
}

/** One to eight bytes of `bytes`, changed. */
const changes = (bytes: Uint8Array) =>
  fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }).map((edits) => {
    const changed = Uint8Array.from(bytes);
    for (const [at, value] of edits) changed[at] = value;
    return changed;
  });

describe("a variable store", () => {
  const store = makeVariableStore(VARIABLES, 4096);

  it("is read: the content of each variable, by vendor and name", async () => {
    const variables = await readStore(store);
    expect([...variables.keys()]).toEqual([`${GLOBAL}:PK`, `${SECURITY}:db`]);
    expect(Buffer.from(variables.get(`${SECURITY}:db`)!).toString()).toBe("allowed");
  });

  it("has the variable that was added, and of one that was being replaced the old content", async () => {
    const old = { ...VARIABLES[0]!, data: Buffer.from("old"), state: 0x3e };
    const gone = { ...VARIABLES[1]!, state: 0x3c };
    const read = await readStore(makeVariableStore([old, VARIABLES[0]!, gone], 4096));
    expect([...read.values()].map((data) => Buffer.from(data).toString())).toEqual(["platform key"]);
    const replaced = await readStore(makeVariableStore([old], 4096));
    expect(Buffer.from(replaced.get(`${GLOBAL}:PK`)!).toString()).toBe("old");
  });

  it.each<[string, (view: DataView) => void, RegExp]>([
    ["no firmware volume", (v) => v.setUint8(40, 0), /no firmware volume \(_FVH\) \(at byte 40\)/],
    ["another volume", (v) => v.setUint8(16, 0), /not a volume of variables \(at byte 16\)/],
    ["longer than the file", (v) => v.setBigUint64(32, 1n << 60n, true), /a volume of 1152921504606846976/],
    ["an odd header", (v) => v.setUint16(48, 73, true), /a volume header of 73 bytes/],
    ["a wrong checksum", (v) => v.setUint16(50, 1, true), /checksum of the volume's header/],
    ["no store", (v) => v.setUint8(72, 0), /no store of authenticated variables \(at byte 72\)/],
    ["a store of 4 GiB", (v) => v.setUint32(88, 0xffffffff, true), /variable store needs 4294967295 bytes/],
    ["a store that is not healthy", (v) => v.setUint8(93, 0), /not formatted and healthy/],
    ["a name of 4 GiB", (v) => v.setUint32(136, 0xfffffffe, true), /4294967294 bytes of name/],
    ["data of 4 GiB", (v) => v.setUint32(140, 0xffffffff, true), /4294967295 of data/],
  ])("%s is refused", async (_, change, words) => {
    const bytes = Uint8Array.from(store);
    change(new DataView(bytes.buffer));
    await expect(readStore(bytes)).rejects.toThrow(words);
  });

  it("with a variable twice is refused: which of them counts is nobody's guess", async () => {
    await expect(readStore(makeVariableStore([VARIABLES[0]!, VARIABLES[0]!], 4096))).rejects.toThrow(
      /PK is there twice/,
    );
  });

  it("cut anywhere is refused or read, and so is one with any bytes changed", async () => {
    for (let length = 0; length < 300; length += 7) await outcome(() => readStore(store.subarray(0, length)));
    await fc.assert(
      fc.asyncProperty(changes(store.subarray(0, 400)), async (head) => {
        await outcome(() => readStore(Buffer.concat([head, store.subarray(400)])));
      }),
      RUNS,
    );
  });
});

describe("firmware", () => {
  it("whose configuration volume is none leaves the variables unknown, and says why", async () => {
    const firmware = folder.write("OVMF.fd", makeTdvf(SECTIONS));
    const measured = await measureBoot({ firmware, boot: "kernel", layout: "edk2-202411" });
    expect(measured.rtmr0.value).toBeNull();
    expect(measured.rtmr0.reason).toMatch(
      /PK: not readable from the firmware: .*no firmware volume \(_FVH\)/,
    );
  });

  it("with any bytes changed is refused or measured", async () => {
    const whole = makeTdvf(SECTIONS);
    await fc.assert(
      fc.asyncProperty(changes(whole.subarray(20_000)), async (tail) => {
        const bytes = Buffer.concat([whole.subarray(0, 20_000), tail]);
        const firmware = folder.write("changed.fd", bytes);
        await outcome(() => measureBoot({ firmware, boot: "kernel", layout: "edk2-202411" }));
      }),
      { numRuns: 60 },
    );
  });

  it("without a layout that anything says is refused, never guessed", async () => {
    const firmware = folder.write("OVMF.fd", makeTdvf(SECTIONS));
    await expect(measureBoot({ firmware, boot: "kernel" })).rejects.toThrow(/give --layout/);
  });
});

describe("memory", () => {
  it.each([0, -1, 1.5, Number.NaN, 2 ** 47, 64 * 2 ** 20 - 1, 512 * 2 ** 20 + 4096])(
    "of %d bytes is refused",
    (size) => {
      expect(() => guestRam("qemu", size)).toThrow(MalformedError);
    },
  );

  it("that Google's machines do not have is refused", () => {
    expect(() => guestRam("gce", 2 * GIB)).toThrow(/more than 3 GiB/);
    expect(() => guestRam("gce", 16 * GIB, [8 * GIB])).toThrow(/do not add up/);
    expect(() => guestRam("gce", 16 * GIB, [2 * GIB, 14 * GIB])).toThrow(/3 GiB or less/);
  });

  it("of any size is laid out without gap or overlap, and nothing of it is lost in the TD HOB", () => {
    const pages = fc.integer({ min: 8192, max: 2 ** 30 }).map((count) => count * 8192);
    fc.assert(
      fc.property(pages, (size) => {
        const ram = guestRam("qemu", size);
        expect(ram.reduce((sum, { length }) => sum + length, 0n)).toBe(BigInt(size));
        const hob = Buffer.from(tdHob("qemu", firmwareOf().sections, size));
        let total = 0n;
        for (let at = 56; at < hob.length; at += 48) total += hob.readBigUInt64LE(at + 40);
        expect(total).toBe(BigInt(size));
      }),
      RUNS,
    );
  });

  it("outside of which the firmware has a section is refused", () => {
    const sections = sectionsOf([
      [0x809000, 0x2000],
      [0x7fff_f000, 0x10000],
    ]);
    expect(() => tdHob("qemu", sections, GIB)).toThrow(/section at 0x7ffff000 is outside the memory/);
    expect(() => tdHob("qemu", sectionsOf([[0x800000, 0x6000]]), GIB)).toThrow(/not exactly one section/);
  });
});

describe("a boot option", () => {
  const [good] = KERNEL_BOOT_OPTIONS;
  const read = (bytes: Uint8Array) => readBootOptions([[0, folder.write("Boot0000.bin", bytes)]]);

  it("is read, and cut anywhere it is refused", async () => {
    expect(await read(good!.bytes)).toMatchObject([{ number: 0, label: "UiApp" }]);
    for (let length = 0; length < good!.bytes.length; length++)
      await expect(read(good!.bytes.subarray(0, length))).rejects.toThrow(/boot option .*Boot0000\.bin: /);
  });

  it("with a path of a wrong length, or one that does not end, is refused", async () => {
    const changed = (at: number, value: number) => {
      const bytes = Buffer.from(good!.bytes);
      bytes.writeUInt16LE(value, at);
      return read(bytes);
    };
    await expect(changed(4, 0xffff)).rejects.toThrow(/device paths needs 65535 bytes/);
    await expect(changed(4, 40)).rejects.toThrow(/the device path does not end/);
    await expect(changed(20, 3)).rejects.toThrow(/a node of 3 bytes/);
    await expect(
      readBootOptions([
        [1, "a"],
        [1, "b"],
      ]),
    ).rejects.toThrow(/given twice/);
  });

  it("of any bytes is refused or read", async () => {
    await fc.assert(
      fc.asyncProperty(changes(good!.bytes), async (bytes) => {
        await outcome(() => read(bytes));
      }),
      RUNS,
    );
  });
});

describe("an ACPI loader script", () => {
  const command = (id: number, ...fields: (string | number)[]) => {
    const bytes = Buffer.alloc(128);
    bytes.writeUInt32LE(id);
    let at = 4;
    for (const field of fields) {
      if (typeof field === "string") bytes.write(field, at, "latin1");
      else bytes.writeUInt32LE(field, at);
      at += typeof field === "string" ? 56 : 4;
    }
    return bytes;
  };
  const ALLOCATE = [command(1, "etc/acpi/rsdp", 16), command(1, "etc/acpi/tables", 64)];
  const measure = (...commands: Uint8Array[]) => {
    folder.write("acpi/etc_table-loader", Buffer.concat(commands));
    folder.write("acpi/etc_acpi_rsdp", Buffer.alloc(20));
    folder.write("acpi/etc_acpi_tables", Buffer.alloc(100));
    return measureAcpi(join(folder.path, "acpi"));
  };

  it("is measured first, and then what it allocates, in its order", async () => {
    expect((await measure(...ALLOCATE)).map(({ formula }) => formula)).toEqual([
      expect.stringContaining("etc/table-loader"),
      expect.stringContaining("etc/acpi/rsdp"),
      expect.stringContaining("etc/acpi/tables"),
    ]);
    const turned = await measure(...ALLOCATE.toReversed());
    expect(turned[1]?.formula).toContain("etc/acpi/tables");
  });

  it.each<[string, Uint8Array[], RegExp]>([
    ["allocates nothing", [], /does not allocate etc\/acpi\/rsdp/],
    ["is not whole commands", [...ALLOCATE, Buffer.alloc(5)], /not whole commands of 128 bytes/],
    ["allocates twice", [...ALLOCATE, ALLOCATE[0]!], /etc\/acpi\/rsdp is allocated twice \(at byte 256\)/],
    ["aligns to 3", [command(1, "etc/acpi/rsdp", 3)], /aligned to 3/],
    ["names a file that is not there", [command(1, "etc/else", 16)], /there is no file .*etc_else/],
    ["names a file outside", [command(1, "../../etc/shadow", 16)], /a file name that is none/],
    ["knows another command", [...ALLOCATE, command(9, "etc/acpi/rsdp")], /unknown command 9/],
    ["patches what it did not allocate", [command(3, "etc/acpi/tables", 0, 0, 1)], /which is not allocated/],
    [
      "sums up more than there is",
      [...ALLOCATE, command(3, "etc/acpi/tables", 9, 0, 101)],
      /patches 101 bytes at 0 of etc\/acpi\/tables, it has 100/,
    ],
    [
      "points outside",
      [...ALLOCATE, command(2, "etc/acpi/tables", "etc/acpi/rsdp", 99, 4)],
      /patches 4 bytes at 99 of etc\/acpi\/tables/,
    ],
    [
      "has a pointer of 3 bytes",
      [...ALLOCATE, command(2, "etc/acpi/tables", "etc/acpi/rsdp", 0, 3)],
      /a pointer of 3 bytes/,
    ],
  ])("that %s is refused", async (_, commands, words) => {
    await expect(measure(...commands)).rejects.toThrow(words);
  });

  it("of any bytes is refused or measured", async () => {
    const script = Buffer.concat([...ALLOCATE, command(2, "etc/acpi/tables", "etc/acpi/rsdp", 0, 4)]);
    await fc.assert(
      fc.asyncProperty(changes(script), async (bytes) => {
        await outcome(() => measure(bytes));
      }),
      RUNS,
    );
  });
});
