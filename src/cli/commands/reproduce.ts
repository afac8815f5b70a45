// Implements `touchstone reproduce`: holds a release that was built again against its entry, field by field.
import { type Command, Option } from "commander";
import type { CliContext } from "../context.ts";
import { collect, DEFAULT_URL, parseName, parseUrl } from "../options.ts";

const EXAMPLE = `
Examples:
  touchstone reproduce os-image/acme/guest@1.4.0 --uki guest.efi --rootfs root.erofs --verity root.verity \\
    --to https://log.example.com --trust trust-root.json

  touchstone reproduce platform/acme/h100-8@2026.11 --firmware OVMF.fd --acpi acpi --trust trust-root.json
  touchstone reproduce driver-build/acme/nvidia@580.95.05 --modules build/ --trust trust-root.json \\
    --sign rebuilder.pem --name example/nvidia --rebuild-version 580.95.05-1 --rebuilder https://rebuild.example \\
    --source https://git.acme.example/nvidia --tool gcc=14.2.0 -o rebuild.dsse.json
  touchstone publish rebuild.dsse.json --trust trust-root.json`;

export function define(command: Command, context: CliContext): void {
  command
    .argument("<release>", "the entry, as kind/name@version")
    .option("--to <url>", "base URL of the log", parseUrl, DEFAULT_URL)
    .requiredOption("--trust <file>", "trust-root.json: the log that must prove that the entry is in it")
    .option("--uki <file>", "unified kernel image")
    .option("--rootfs <file>", "erofs image of the root file system")
    .option("--verity <file>", "dm-verity superblock and tree, where they do not follow the file system")
    .option("--disk <file>", "disk image, where the image is started from one")
    .option("--modules <dir>", "kernel modules")
    .option("--firmware <file>", "TDX firmware (TDVF), whole")
    .option("--acpi <dir>", "ACPI blobs, as touchstone measure acpi writes them")
    .option("--output-file <file>", "GSP firmware, or output of a kernel build; may be repeated", collect)
    .addOption(
      new Option("--boot <way>", "how a platform's images are started")
        .choices(["kernel", "disk"])
        .default("kernel"),
    )
    .option("--disk-device <device.function>", "place of the virtio disk on the PCI root bus")
    .option("--boot-option <number=file>", "a boot option as the firmware holds it; may be repeated", collect)
    .addOption(
      new Option("--secure-boot <state>", "none: the firmware was built without it").choices([
        "none",
        "off",
        "on",
      ]),
    )
    .option(
      "--sign <key>",
      "state the result as a rebuild entry, signed by this key; may be repeated",
      collect,
    )
    .option("--name <name>", "name of that entry", parseName)
    .option("--rebuild-version <version>", "its version")
    .option("--rebuilder <id>", "who built it again")
    .option("--source <uri>", "where the source is that was built")
    .option("--tool <name=version>", "tool that it was built with; may be repeated", collect)
    .option("-o, --output <file>", "where to write that entry, to be published")
    .addHelpText("after", EXAMPLE)
    .action(async (reference, options) => {
      const { runReproduce } = await import("../actions/reproduce.ts");
      await runReproduce(reference, options, context);
    });
}
