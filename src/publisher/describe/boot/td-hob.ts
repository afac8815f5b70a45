// Computes the TD HOB list that a VMM hands to the firmware (TDVF Design Guide §4.2, PI 1.7 volume 3 §5; QEMU hw/i386/tdvf-hob.c;
// gce-tcb-verifier). The firmware measures it first of all, without its end HOB.
import type { Vmm } from "../../../protocol/entry/boot.ts";
import { MalformedError } from "../../../protocol/errors.ts";
import type { TdvfSection } from "../formats/tdvf.ts";
import { guestRam, type MemoryRange } from "./guest-memory.ts";

const PHIT_LENGTH = 56;
const RESOURCE_LENGTH = 48;
const END_LENGTH = 8;
const HANDOFF = 1;
const RESOURCE_DESCRIPTOR = 3;
const HOB_VERSION = 9;
const SYSTEM_MEMORY = 0;
const UNACCEPTED_MEMORY = 7;
/** Present, initialised, tested. */
const ATTRIBUTES = 7;
/** What Google's VMM adds to unaccepted memory (EFI_RESOURCE_ATTRIBUTE_ENCRYPTED in edk2's numbering). */
const GCE_UNACCEPTED = 0x1000_0000;
const TD_HOB = 2;
const TEMPORARY_MEMORY = 3;
const MAX_RANGES = 256;

interface Resource extends MemoryRange {
  readonly type: number;
  readonly attributes: number;
}

/** @throws MalformedError where the firmware has not one TD HOB section, or one of its sections is not in the guest's memory. */
export function tdHob(
  vmm: Vmm,
  sections: readonly TdvfSection[],
  memory: number,
  nodes?: readonly number[],
): Uint8Array {
  const [hob, another] = sections.filter(({ type }) => type === TD_HOB);
  if (hob === undefined || another !== undefined)
    throw new MalformedError("TDX metadata", "not exactly one section for the TD HOB");
  const ram = guestRam(vmm, memory, nodes);
  const resources = vmm === "qemu" ? qemuResources(ram, sections) : gceResources(ram, sections);
  if (resources.length > MAX_RANGES) throw new MalformedError("TD HOB", `${resources.length} ranges`);
  const length = PHIT_LENGTH + resources.length * RESOURCE_LENGTH;
  if (length + END_LENGTH > hob.memorySize)
    throw new MalformedError("TD HOB", `${length} bytes do not fit its ${hob.memorySize}`);
  // QEMU counts the end HOB, Google does not.
  const endOfList = hob.address + BigInt(vmm === "qemu" ? length + END_LENGTH : length);
  return Buffer.concat([handoff(endOfList), ...resources.map(describe)]);
}

/** QEMU: ascending, with the firmware's HOB and temporary sections as memory that is accepted. */
function qemuResources(ram: readonly MemoryRange[], sections: readonly TdvfSection[]): Resource[] {
  const accepted = ascending(
    sections.filter(({ type }) => type === TD_HOB || type === TEMPORARY_MEMORY).map(rangeOf),
  );
  for (const { start, length } of accepted)
    if (!ram.some((range) => start >= range.start && start + length <= endOf(range)))
      throw new MalformedError("TDX metadata", `a section at 0x${start.toString(16)} is outside the memory`);
  return ram.flatMap((range) =>
    ascending([
      ...accepted.filter(({ start }) => start >= range.start && start < endOf(range)).map(asAccepted),
      ...without(range, accepted).map((free) => ({
        ...free,
        type: UNACCEPTED_MEMORY,
        attributes: ATTRIBUTES,
      })),
    ]),
  );
}

/** Google: every section in the order of the metadata, then what is left of the memory. */
function gceResources(ram: readonly MemoryRange[], sections: readonly TdvfSection[]): Resource[] {
  const all = sections.map(rangeOf);
  const free = ram.flatMap((range) => without(range, ascending(all)));
  const attributes = ATTRIBUTES | GCE_UNACCEPTED;
  return [
    ...all.map(asAccepted),
    ...free.map((range) => ({ ...range, type: UNACCEPTED_MEMORY, attributes })),
  ];
}

const asAccepted = (range: MemoryRange): Resource => ({
  ...range,
  type: SYSTEM_MEMORY,
  attributes: ATTRIBUTES,
});

/** The parts of `range` that none of the `taken`, ascending, covers. */
function without(range: MemoryRange, taken: readonly MemoryRange[]): MemoryRange[] {
  const free: MemoryRange[] = [];
  let at = range.start;
  for (const { start, length } of taken) {
    if (start + length <= at || start >= endOf(range)) continue;
    if (start > at) free.push({ start: at, length: start - at });
    at = start + length;
  }
  if (at < endOf(range)) free.push({ start: at, length: endOf(range) - at });
  return free;
}

function handoff(end: bigint): Uint8Array {
  const hob = Buffer.alloc(PHIT_LENGTH);
  hob.writeUInt16LE(HANDOFF, 0);
  hob.writeUInt16LE(PHIT_LENGTH, 2);
  hob.writeUInt32LE(HOB_VERSION, 8);
  hob.writeBigUInt64LE(end, 48);
  return hob;
}

function describe({ type, attributes, start, length }: Resource): Uint8Array {
  const hob = Buffer.alloc(RESOURCE_LENGTH);
  hob.writeUInt16LE(RESOURCE_DESCRIPTOR, 0);
  hob.writeUInt16LE(RESOURCE_LENGTH, 2);
  hob.writeUInt32LE(type, 24);
  hob.writeUInt32LE(attributes, 28);
  hob.writeBigUInt64LE(start, 32);
  hob.writeBigUInt64LE(length, 40);
  return hob;
}

const rangeOf = ({ address, memorySize }: TdvfSection): MemoryRange => ({
  start: address,
  length: BigInt(memorySize),
});

const endOf = ({ start, length }: MemoryRange): bigint => start + length;

function ascending<T extends MemoryRange>(ranges: readonly T[]): T[] {
  return ranges.toSorted((a, b) => (a.start < b.start ? -1 : 1));
}
