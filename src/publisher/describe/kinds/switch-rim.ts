// Says how a RIM file of an NVSwitch is named, to be verified and described.
import { switchRim } from "../../../protocol/entry/kinds/switch-rim.ts";
import { describer, given } from "../describer.ts";
import { rfc3339, word } from "../table-fields.ts";

interface Options {
  readonly rim: string;
  readonly rimId: string;
  readonly chip?: string;
  readonly asOf: Date;
}

export const switchRimDescriber = describer({
  kind: switchRim,
  summary: "golden measurements of an NVSwitch's VBIOS",
  options: [
    { flags: "--rim <file>", description: "the RIM, XML", required: true },
    {
      flags: "--as-of <time>",
      description: "when its signer's chain must be valid, RFC 3339",
      required: true,
      value: "time",
    },
    {
      flags: "--rim-id <id>",
      description: "id it was fetched under, which it does not hold",
      required: true,
    },
    { flags: "--chip <name>", description: "chip it must be for, as the RIM names it" },
  ],
  example: `
Example:
  touchstone describe switch-rim --name nvidia/ls10-vbios --version 96.10.55.00.01 --channel stable --svn 1 \\
    --builder NVIDIA --source https://rim.attestation.nvidia.com/v1/rim/NV_SWITCH_BIOS_5612_0002_890_9610550001 \\
    --rim ls10.xml --rim-id NV_SWITCH_BIOS_5612_0002_890_9610550001 --as-of 2026-11-23T14:00:00Z -o rim.json

The time is an option, not the clock, so that describing the same file again gives the same statement.`,
  table: (path) => ({
    rim: path,
    verifiedAt: rfc3339,
    rimId: word,
    chip: word.exactOptional(),
  }),
  read: ({ rim, asOf: verifiedAt, rimId, chip }: Options) => ({
    rim,
    verifiedAt,
    rimId,
    ...given({ chip }),
  }),
  describe: async (input) => (await import("../switch-rim.ts")).describeSwitchRim(input),
});
