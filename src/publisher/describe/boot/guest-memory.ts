// Lays out a guest's memory as its VMM does: QEMU's q35 (hw/i386/pc_q35.c) and Google's (gce-tcb-verifier, ovmf).
import type { Vmm } from "../../../protocol/entry/boot.ts";
import { MalformedError } from "../../../protocol/errors.ts";

const GIB = 1n << 30n;
const MIB = 1n << 20n;
const FOUR_GIB = 4n * GIB;
/** Below this QEMU puts all memory under 4 GiB; from it on, 2 GiB. */
const Q35_SPLIT = 0xb000_0000n;
const Q35_LOW = 0x8000_0000n;
const GCE_LOW = 3n * GIB;
const GCE_BELOW_ROM = 2n * MIB;
/** A vTPM and TDVF's fixed sections end below this; a TD with less memory does not start. */
const LEAST = 64n * MIB;
const MOST = 1n << 46n;

export interface MemoryRange {
  readonly start: bigint;
  readonly length: bigint;
}

/**
 * RAM of a guest with `memory` bytes, ascending.
 * @param nodes bytes of the NUMA nodes where there are several; together they are all of the memory.
 * @throws MalformedError for a size that the VMM refuses.
 */
export function guestRam(vmm: Vmm, memory: number, nodes: readonly number[] = [memory]): MemoryRange[] {
  const size = requireSize(vmm, memory);
  if (vmm === "qemu") {
    const low = lowMemory(memory);
    return size > low
      ? [
          { start: 0n, length: low },
          { start: FOUR_GIB, length: size - low },
        ]
      : [{ start: 0n, length: size }];
  }
  if (nodes.reduce((sum, node) => sum + node, 0) !== memory)
    throw new MalformedError("memory", "the NUMA nodes do not add up to the memory");
  return gceRam(size, nodes);
}

/** Bytes of RAM below 4 GiB on q35. */
export function lowMemory(memory: number): bigint {
  const size = BigInt(memory);
  return size < Q35_SPLIT ? size : Q35_LOW;
}

function gceRam(size: bigint, nodes: readonly number[]): MemoryRange[] {
  if (size <= GCE_LOW) throw new MalformedError("memory", "Google's TDX machines have more than 3 GiB");
  const ranges: MemoryRange[] = [
    { start: 0n, length: GCE_LOW },
    { start: FOUR_GIB - GCE_BELOW_ROM, length: GCE_BELOW_ROM },
  ];
  let [start, taken] = [FOUR_GIB, GCE_LOW];
  for (const node of nodes) {
    const length = BigInt(node) - taken;
    if (length <= 0n) throw new MalformedError("memory", "the first NUMA node has 3 GiB or less");
    ranges.push({ start, length });
    start += length;
    taken = 0n;
  }
  return ranges;
}

function requireSize(vmm: Vmm, memory: number): bigint {
  const size = Number.isSafeInteger(memory) ? BigInt(memory) : 0n;
  if (size < LEAST || size > MOST)
    throw new MalformedError("memory", `${memory} bytes, a guest has from 64 MiB to 64 TiB`);
  const step = vmm === "qemu" ? 8192n : MIB;
  if (size % step !== 0n)
    throw new MalformedError("memory", `${memory} bytes are no multiple of ${step}, which ${vmm} refuses`);
  return size;
}
