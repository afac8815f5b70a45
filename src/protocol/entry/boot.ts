// Names what decides, beside the artefacts themselves, how a boot is measured: the way in which an image is started, the layout of the
// firmware's events, and the VMM (docs/measurements.md).

/** uki-kernel: a UKI handed over by the VMM (`-kernel`); uki-disk: a UKI that the firmware finds on a GPT disk. */
export const BOOT_PATHS = ["uki-kernel", "uki-disk"] as const;
export type BootPath = (typeof BOOT_PATHS)[number];

/**
 * The order of TDX firmware's events, by the first edk2 release that has it: before 202411 the second separator is in RTMR0, since then it is in
 * RTMR1, and since 202505 fw_cfg files are measured too.
 */
export const LAYOUTS = ["edk2-before-202411", "edk2-202411", "edk2-202505"] as const;
export type Layout = (typeof LAYOUTS)[number];

/** VMMs by how they tell the firmware of memory. */
export const VMMS = ["qemu", "gce"] as const;
export type Vmm = (typeof VMMS)[number];

/** Where the digest of an event comes from; "given" is a file or log that nothing here computes. */
export const EVENT_SOURCES = ["file", "constant", "shape", "given"] as const;
