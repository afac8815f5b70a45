// Says how a RIM file is named, to be verified and described.
import { gpuRim } from "../../../protocol/entry/kinds/gpu-rim.ts";
import { describer, given } from "../describer.ts";
import { rfc3339, word } from "../table-fields.ts";

interface Options {
  readonly rim: string;
  readonly rimId?: string;
  readonly chip?: string;
  readonly asOf: Date;
}

export const gpuRimDescriber = describer({
  kind: gpuRim,
  summary: "golden measurements of a GPU driver or VBIOS",
  options: [
    { flags: "--rim <file>", description: "the RIM, XML", required: true },
    {
      flags: "--as-of <time>",
      description: "when its signer's chain must be valid, RFC 3339",
      required: true,
      value: "time",
    },
    { flags: "--rim-id <id>", description: "id it was fetched under; a VBIOS RIM does not hold it" },
    { flags: "--chip <name>", description: "chip it must be for, such as GH100" },
  ],
  example: `
Example:
  touchstone describe gpu-rim --name nvidia/gh100-driver --version 550.144.03 --channel stable --svn 1 \\
    --builder NVIDIA --source https://rim.attestation.nvidia.com/v1/rim/NV_GPU_DRIVER_GH100_550.144.03 \\
    --rim NV_GPU_DRIVER_GH100_550.144.03.swidtag --chip GH100 --as-of 2026-11-23T14:00:00Z -o rim.json

The time is an option, not the clock, so that describing the same file again gives the same statement.`,
  table: (path) => ({
    rim: path,
    verifiedAt: rfc3339,
    rimId: word.exactOptional(),
    chip: word.exactOptional(),
  }),
  read: ({ rim, asOf: verifiedAt, rimId, chip }: Options) => ({
    rim,
    verifiedAt,
    ...given({ rimId, chip }),
  }),
  describe: async (input) => (await import("../gpu-rim.ts")).describeGpuRim(input),
});
