// Firmware for tests as `readFirmware` gives it, of which only some parts are known.
import type { Firmware } from "../../../../src/publisher/describe/boot/firmware.ts";
import type { TdvfSection } from "../../../../src/publisher/describe/formats/tdvf.ts";

/** Addresses and lengths of the temporary sections and the TD HOB section (0x809000). */
export function sectionsOf(ranges: readonly (readonly [number, number])[]): TdvfSection[] {
  return ranges.map(([address, memorySize]) => ({
    dataOffset: 0,
    rawSize: 0,
    address: BigInt(address),
    memorySize,
    type: address === 0x809000 ? 2 : 3,
    attributes: 0,
  }));
}

/** OVMF's, before and since edk2-stable202411. */
export const OLDER_SECTIONS = sectionsOf([
  [0x810000, 0x10000],
  [0x80b000, 0x2000],
  [0x809000, 0x2000],
  [0x800000, 0x6000],
]);

/** Firmware without variables, whose files and code are not known. */
export function firmwareOf(change: Partial<Firmware> = {}): Firmware {
  return {
    fileName: "OVMF.fd",
    digests: { size: 0, sha256: "", sha384: "" },
    sections: OLDER_SECTIONS,
    mrtd: { "single-pass": "", "two-pass": "" },
    cfv: null,
    variables: new Map(),
    storeFault: null,
    code: null,
    ...change,
  };
}
