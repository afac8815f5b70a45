// touchstone describe gsp-firmware: firmware files of the GPU System Processor into a statement.
import type { Command } from "commander";
import { describeGspFirmware } from "../../../publisher/describe/gsp-firmware.ts";
import type { CliContext } from "../../context.ts";
import { collect } from "../../options.ts";
import { addReleaseOptions, type ReleaseOptions } from "./release-options.ts";
import { writeAndShow } from "./write-and-show.ts";

interface Options extends ReleaseOptions {
  readonly file: string[];
  readonly package?: string;
  readonly report?: string[];
  readonly json?: boolean;
}

const EXAMPLE = `
Example:
  touchstone describe gsp-firmware --name nvidia/gsp --version 550.163.01 --channel stable --svn 1 \\
    --builder https://ci.acme.example --source https://mirror.acme.example/debian \\
    --file gsp_ga10x.bin --package firmware-nvidia-gsp_550.163.01-2_amd64.deb -o gsp.json`;

export function addGspFirmware(describe: Command, context: CliContext): void {
  const command = describe.command("gsp-firmware").description("GSP firmware files");
  addReleaseOptions(command)
    .requiredOption("--file <file>", "a firmware file, such as gsp_ga10x.bin; may be repeated", collect)
    .option("--package <deb>", "the Debian package that holds these very files")
    .option("--report <file>", "GPU report of a device that ran it; states its FWID as observed", collect)
    .addHelpText("after", EXAMPLE)
    .action(async (options: Options) => {
      const described = await describeGspFirmware({
        release: options,
        files: options.file,
        reports: options.report ?? [],
        ...(options.package === undefined ? {} : { package: options.package }),
      });
      await writeAndShow(context, options, described);
    });
}
