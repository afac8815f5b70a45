// touchstone describe gpu-rim: a RIM file, verified, and its golden table into a statement.
import type { Command } from "commander";
import { describeGpuRim } from "../../../publisher/describe/gpu-rim.ts";
import type { CliContext } from "../../context.ts";
import { parseTime } from "../../options.ts";
import { addReleaseOptions, type ReleaseOptions } from "./release-options.ts";
import { writeAndShow } from "./write-and-show.ts";

interface Options extends ReleaseOptions {
  readonly rim: string;
  readonly rimId?: string;
  readonly chip?: string;
  readonly asOf: Date;
  readonly json?: boolean;
}

const EXAMPLE = `
Example:
  touchstone describe gpu-rim --name nvidia/gh100-driver --version 550.144.03 --channel stable --svn 1 \\
    --builder NVIDIA --source https://rim.attestation.nvidia.com/v1/rim/NV_GPU_DRIVER_GH100_550.144.03 \\
    --rim NV_GPU_DRIVER_GH100_550.144.03.swidtag --chip GH100 --as-of 2026-11-23T14:00:00Z -o rim.json

The time is an option, not the clock, so that describing the same file again gives the same statement.`;

export function addGpuRim(describe: Command, context: CliContext): void {
  const command = describe.command("gpu-rim").description("golden measurements of a GPU driver or VBIOS");
  addReleaseOptions(command)
    .requiredOption("--rim <file>", "the RIM, XML")
    .requiredOption("--as-of <time>", "when its signer's chain must be valid, RFC 3339", parseTime)
    .option("--rim-id <id>", "id it was fetched under; a VBIOS RIM does not hold it")
    .option("--chip <name>", "chip it must be for, such as GH100")
    .addHelpText("after", EXAMPLE)
    .action(async (options: Options) => {
      const described = await describeGpuRim({
        release: options,
        rim: options.rim,
        verifiedAt: options.asOf,
        ...(options.rimId === undefined ? {} : { rimId: options.rimId }),
        ...(options.chip === undefined ? {} : { chip: options.chip }),
      });
      await writeAndShow(context, options, described);
    });
}
