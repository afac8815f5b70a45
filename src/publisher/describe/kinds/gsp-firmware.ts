// Says how firmware files of the GPU System Processor are named, to be described.
import * as z from "zod";
import { gspFirmware } from "../../../protocol/entry/kinds/gsp-firmware.ts";
import { describer, given } from "../describer.ts";

interface Options {
  readonly file: string[];
  readonly package?: string;
  readonly report?: string[];
}

export const gspFirmwareDescriber = describer({
  kind: gspFirmware,
  summary: "GSP firmware files",
  options: [
    {
      flags: "--file <file>",
      description: "a firmware file, such as gsp_ga10x.bin; may be repeated",
      required: true,
      repeated: true,
    },
    { flags: "--package <deb>", description: "the Debian package that holds these very files" },
    {
      flags: "--report <file>",
      description: "GPU report of a device that ran it; states its FWID as observed",
      repeated: true,
    },
  ],
  example: `
Example:
  touchstone describe gsp-firmware --name nvidia/gsp --version 550.163.01 --channel stable --svn 1 \\
    --builder https://ci.acme.example --source https://mirror.acme.example/debian \\
    --file gsp_ga10x.bin --package firmware-nvidia-gsp_550.163.01-2_amd64.deb -o gsp.json`,
  table: (path) => ({
    files: z.array(path).min(1),
    package: path.exactOptional(),
    reports: z.array(path).default([]),
  }),
  read: (options: Options) => ({
    files: options.file,
    reports: options.report ?? [],
    ...given({ package: options.package }),
  }),
  describe: async (input) => (await import("../gsp-firmware.ts")).describeGspFirmware(input),
});
