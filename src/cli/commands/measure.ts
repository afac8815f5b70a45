// Implements `touchstone measure`: MRTD and RTMR0 to RTMR2 of a boot that nobody has made yet, from files and a stated shape of the VM; and
// `touchstone measure acpi`, which gets the ACPI blobs out of a QEMU without running a guest.
import { type Command, Option } from "commander";
import { LAYOUTS, VMMS } from "../../protocol/entry/boot.ts";
import type { CliContext } from "../context.ts";
import { collect, parseBytes } from "../options.ts";

const EXAMPLE = `
Examples:
  touchstone measure --boot kernel --uki guest.efi --layout edk2-202411 --secure-boot off

  touchstone measure --firmware OVMF.fd --page-add two-pass --vmm qemu --memory 64G --acpi acpi \\
    --boot disk --disk guest.img --disk-device 1.0 --uki guest.efi --expect quote.bin

  touchstone measure boot.toml --expect os-image.json

The file has the same words: firmware = "OVMF.fd", pageAdd = "two-pass", boot = "disk", diskDevice = "1.0",
bootOptions = [{ number = "0001", file = "boot0001.bin" }]. What the command line says wins.`;

const ACPI_EXAMPLE = `
Example:
  touchstone measure acpi --qemu /usr/bin/qemu-system-x86_64 -o acpi \\
    -- -machine q35,smm=off -cpu max -smp 8 -m 64G -device virtio-net-pci`;

export function define(command: Command, context: CliContext): void {
  command
    .argument("[file]", "TOML file that says what the options below say")
    .option("--firmware <file>", "TDX firmware (TDVF), whole")
    .addOption(
      new Option("--page-add <order>", "how the VMM adds pages").choices(["single-pass", "two-pass"]),
    )
    .addOption(new Option("--vmm <name>", "whose way of telling memory to the firmware").choices(VMMS))
    .option("--memory <size>", "bytes, or with K, M, G or T", parseBytes)
    .option("--node-memory <size>", "of each NUMA node, where there are several", collectBytes)
    .addOption(
      new Option(
        "--layout <layout>",
        "order of the firmware's events; read from the firmware where that is certain",
      ).choices(LAYOUTS),
    )
    .addOption(
      new Option("--boot <way>", "how the image is started: by -kernel, or from a disk").choices([
        "kernel",
        "disk",
      ]),
    )
    .option("--uki <file>", "unified kernel image")
    .option("--kernel <file>", "or a bare kernel, by -kernel")
    .option("--initrd <file>", "its initrd")
    .option("--append <text>", "its command line")
    .option("--disk <file>", "disk image with a GPT, for --boot disk")
    .option("--disk-device <device.function>", "place of the virtio disk on the PCI root bus")
    .option(
      "--boot-option <number=file>",
      "a boot option as the firmware holds it, in the order of BootOrder; may be repeated",
      collect,
    )
    .option("--acpi <dir>", "ACPI blobs, as touchstone measure acpi writes them")
    .addOption(
      new Option(
        "--secure-boot <state>",
        "none: the firmware was built without it; without firmware, whether it is on",
      ).choices(["none", "off", "on"]),
    )
    .option("--pk <file>", "Secure Boot PK, .esl or .auth, that the firmware must hold")
    .option("--kek <file>", "Secure Boot KEK, likewise")
    .option("--db <file>", "Secure Boot db, likewise")
    .option("--dbx <file>", "Secure Boot dbx, likewise")
    .option("--expect <file>", "quote, event log or entry to compare with: exit 1 where anything differs")
    .addHelpText("after", EXAMPLE)
    .action(async (file, options) => {
      const { runMeasure } = await import("../actions/measure.ts");
      await runMeasure(file, options, context);
    });
  command
    .command("acpi")
    .description("dump the ACPI blobs that a QEMU makes for a shape of VM, without running a guest")
    .argument("[arguments...]", "after --: what shapes the VM")
    .requiredOption("--qemu <program>", "the VMM's own QEMU")
    .option(
      "--bar <device:address>",
      "where the firmware puts the 64-bit BAR of a device, as 01:0x800000000; may be repeated",
      collect,
    )
    .requiredOption("-o, --output <dir>", "folder for the blobs")
    .addHelpText("after", ACPI_EXAMPLE)
    .action(async (args, options) => {
      const { runMeasureAcpi } = await import("../actions/measure.ts");
      await runMeasureAcpi(args, options, context);
    });
}

function collectBytes(text: string, earlier: readonly number[] = []): number[] {
  return [...earlier, parseBytes(text)];
}
