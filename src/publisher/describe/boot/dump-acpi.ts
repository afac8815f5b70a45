// Dumps the ACPI blobs that a QEMU makes for a shape of VM, without running a guest: its one processor executes nothing but halts, while the
// registers that firmware would program are written over QEMU's test protocol, and fw_cfg is read (QEMU docs/devel/testing/qtest,
// docs/specs/fw_cfg).
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runTool, withTestedMachine } from "../../../node/run-tool.ts";
import { MalformedError } from "../../../protocol/errors.ts";
import { digestFile } from "../files/random-access.ts";
import { blobFileName, LOADER } from "./acpi-blobs.ts";

const DIRECTORY = 0x19;
const SELECTOR = 0x510;
const DATA = 0x511;
const FILE_ENTRY = 64;
const MAX_FILES = 256;
const MAX_BLOB = 4 * 1024 * 1024;
const HALT = 0xf4;
const BIOS_SIZE = 64 * 1024;
/** As OVMF programs a q35: PCIe configuration space, power management, ACPI enabled. */
const PCIEXBAR = 0xe000_0001;
const PMBASE = 0x600;
const ACPI_ENABLE = 0x80;
/** Memory space and bus master. */
const COMMAND = 6;

/** A 64-bit BAR as the firmware will place it: the device on the root bus, and the address. */
export interface BarPlacement {
  readonly device: number;
  readonly address: bigint;
}

export interface DumpedAcpi {
  readonly version: string;
  /** SHA-256 of the program, hex. */
  readonly sha256: string;
  readonly files: readonly { readonly name: string; readonly size: number }[];
}

type Ask = (command: string) => Promise<string>;

/** @throws ToolError where QEMU refuses its arguments; MalformedError where it offers no ACPI. */
export async function dumpAcpi(
  qemu: string,
  args: readonly string[],
  bars: readonly BarPlacement[],
  output: string,
): Promise<DumpedAcpi> {
  const version =
    Buffer.from(await runTool(qemu, ["--version"]))
      .toString()
      .split("\n")[0] ?? "";
  const folder = await mkdtemp(join(tmpdir(), "touchstone-acpi-"));
  try {
    const bios = join(folder, "halt.bin");
    await writeFile(bios, Buffer.alloc(BIOS_SIZE, HALT));
    const fixed = ["-accel", "tcg", "-bios", bios, "-display", "none", "-nodefaults", "-qtest", "stdio"];
    const blobs = await withTestedMachine(qemu, [...fixed, ...args], async (ask) => {
      await program(ask, bars);
      return await readBlobs(ask);
    });
    await mkdir(output, { recursive: true });
    for (const [name, bytes] of blobs) await writeFile(join(output, blobFileName(name)), bytes);
    const { sha256 } = await digestFile(qemu, ["sha256"]);
    return { version, sha256, files: [...blobs].map(([name, { length }]) => ({ name, size: length })) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function program(ask: Ask, bars: readonly BarPlacement[]): Promise<void> {
  const write = async (device: number, offset: number, value: number, width: "b" | "w" | "l" = "l") => {
    const address = (0x8000_0000 | (device << 11) | (offset & 0xfc)) >>> 0;
    await ask(`outl 0xcf8 0x${address.toString(16)}`);
    await ask(`out${width} 0x${(0xcfc + (offset & 3)).toString(16)} 0x${value.toString(16)}`);
  };
  await write(0, 0x64, 0);
  await write(0, 0x60, PCIEXBAR);
  await write(0x1f, 0x40, PMBASE);
  await write(0x1f, 0x44, ACPI_ENABLE, "b");
  for (const { device, address } of bars) {
    await write(device, 0x20, Number(address & 0xffff_ffffn));
    await write(device, 0x24, Number(address >> 32n));
    await write(device, 4, COMMAND, "w");
  }
}

/** The loader script, and every file of ACPI, in the order of fw_cfg's directory. */
async function readBlobs(ask: Ask): Promise<Map<string, Uint8Array>> {
  const directory = await readDirectory(ask);
  const blobs = new Map<string, Uint8Array>();
  for (const { name, key, size } of directory) {
    if (name !== LOADER && !name.startsWith("etc/acpi/") && name !== "etc/tpm/log") continue;
    if (size > MAX_BLOB) throw new MalformedError("fw_cfg", `${name} has ${size} bytes`);
    await select(ask, key);
    blobs.set(name, await readData(ask, size));
  }
  if (!blobs.has(LOADER)) throw new MalformedError("fw_cfg", `no ${LOADER}: this machine has no ACPI`);
  return blobs;
}

async function readDirectory(ask: Ask): Promise<{ name: string; key: number; size: number }[]> {
  await select(ask, DIRECTORY);
  const count = Buffer.from(await readData(ask, 4)).readUInt32BE();
  if (count > MAX_FILES) throw new MalformedError("fw_cfg", `${count} files`);
  const entries = Buffer.from(await readData(ask, count * FILE_ENTRY));
  return Array.from({ length: count }, (_, i) => {
    const entry = entries.subarray(i * FILE_ENTRY, (i + 1) * FILE_ENTRY);
    const name = entry.toString("latin1", 8).replace(/\0.*$/s, "");
    return { name, key: entry.readUInt16BE(4), size: entry.readUInt32BE(0) };
  });
}

async function select(ask: Ask, key: number): Promise<void> {
  await ask(`outw 0x${SELECTOR.toString(16)} 0x${key.toString(16)}`);
}

async function readData(ask: Ask, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  const byte = async (i: number) => {
    bytes[i] = Number(await ask(`inb 0x${DATA.toString(16)}`));
  };
  // Asked for together, answered in order: one round trip for each byte would take minutes.
  for (let at = 0; at < length; at += 4096)
    await Promise.all(Array.from({ length: Math.min(4096, length - at) }, (_, i) => byte(at + i)));
  return bytes;
}
