// Boots a guest whose measurements were computed before, once by -kernel and once from a disk, and holds every event of the firmware's own log
// against the computation. It needs QEMU and swtpm, and the folder that fetch-guest.sh made.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dumpAcpi } from "../../src/publisher/describe/boot/dump-acpi.ts";
import { type Measured, type MeasureInput, measureBoot } from "../../src/publisher/describe/boot/measure.ts";
import { inProject } from "../support/example-build.ts";
import { asRegister, parseTpmLog } from "./tpm-log.ts";
import { boot, logIn, QEMU, registersIn, SHAPE, startTpm } from "./virtual-machine.ts";

const fetched = process.env.TOUCHSTONE_BOOT_FOLDER;
const TOOLS = [QEMU, "/usr/bin/swtpm", "/usr/bin/mcopy", "/usr/bin/cpio", "/usr/sbin/mkfs.vfat"];
const missing = [
  ...(fetched === undefined ? ["TOUCHSTONE_BOOT_FOLDER"] : []),
  ...TOOLS.filter((tool) => !existsSync(tool)),
];
const skipped = missing.length > 0;

describe.skipIf(skipped)(`a boot${skipped ? ` (skipped: without ${missing.join(", ")})` : ""}`, () => {
  let folder: string;
  const at = (name: string) => join(folder, name);
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "touchstone-boot-"));
    execFileSync(inProject("test/boot/make-guest.sh"), [fetched ?? "", at("guest")], { stdio: "pipe" });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** The prediction, made before the boot, with the tables that this machine's QEMU has for its shape. */
  async function predict(name: string, input: Partial<MeasureInput>, options: string[], bar?: bigint) {
    mkdirSync(at(name));
    const tpm = await startTpm(at(name));
    try {
      const bars = bar === undefined ? [] : [{ device: 1, address: bar }];
      const args = [...SHAPE, "-serial", "null", ...tpm.options, ...options];
      await dumpAcpi(QEMU, args, bars, at(`${name}/acpi`));
    } finally {
      tpm.stop();
    }
    return await measureBoot({
      firmware: at("guest/OVMF.fd"),
      vmm: "qemu",
      memory: 512 * 2 ** 20,
      boot: "kernel",
      uki: at("guest/guest.efi"),
      acpi: at(`${name}/acpi`),
      ...input,
    });
  }

  function expectEvery(predicted: Measured, serial: string): void {
    const logged = parseTpmLog(logIn(serial));
    for (const register of ["rtmr0", "rtmr1", "rtmr2"] as const) {
      const computed = predicted[register].events.map(({ digest }) => digest);
      const ofTd = register === "rtmr0" ? 2 : 0;
      expect(computed.slice(ofTd), register).toEqual(asRegister(logged, register));
    }
    expect(predicted.rtmr0.reason).toBeNull();
    // RTMR2 is PCR 9 and 11 by turns, so its value is no PCR's; but each event is in one that the guest's TPM reports.
    expect([...registersIn(serial).keys()]).toEqual([1, 2, 3, 4, 5, 6, 7, 9, 11]);
  }

  it("by -kernel measures what was computed: every event", { timeout: 300_000 }, async () => {
    const predicted = await predict("kernel", {}, []);
    expect(predicted).toMatchObject({ bootPath: "uki-kernel", layout: "edk2-202411" });
    expectEvery(predicted, await boot(at("guest"), at("kernel"), ["-kernel", at("guest/guest.efi")]));
  });

  it("from a disk measures what was computed: every event", { timeout: 300_000 }, async () => {
    const disk = [
      "-drive",
      `if=none,id=disk,format=raw,readonly=on,file=${at("guest/disk.img")}`,
      ...["-device", "virtio-blk-pci,drive=disk,bootindex=0"],
    ];
    const input = { boot: "disk", disk: at("guest/disk.img"), diskDevice: [1, 0] } as const;
    // OVMF's 64-bit window begins here where it does not trust the processor's address width (edk2 PlatformInitLib, MemDetect.c).
    const predicted = await predict("disk", input, disk, 0x8_0000_0000n);
    expect(predicted.bootFile).toEqual({ outcome: "equal" });
    expectEvery(predicted, await boot(at("guest"), at("disk"), disk));
  });

  it("with a command line from outside logs all that the image has, and differs in RTMR2", {
    timeout: 300_000,
  }, async () => {
    mkdirSync(at("append"));
    const evil = ["-kernel", at("guest/guest.efi"), "-append", "console=ttyS0 evil=1"];
    const serial = await boot(at("guest"), at("append"), evil);
    expect(serial).toContain("COMMAND LINE console=ttyS0 evil=1\n");
    const predicted = await measureBoot({
      boot: "kernel",
      uki: at("guest/guest.efi"),
      layout: "edk2-202411",
      secureBoot: "none",
    });
    const logged = asRegister(parseTpmLog(logIn(serial)), "rtmr2");
    const sections = predicted.rtmr2.events.filter(({ type }) => type === "EV_IPL");
    expect(sections.every(({ digest }) => logged.includes(digest ?? ""))).toBe(true);
    expect(logged).not.toEqual(predicted.rtmr2.events.map(({ digest }) => digest));
  });
});
