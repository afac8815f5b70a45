// Options for roots to trust instead of the vendors' own: for made-up evidence (touchstone/testing) and nothing else.
import type { Command } from "commander";

export type Vendor = "intel" | "nvidia" | "rim";

/** Whose root it replaces. */
export const OWNER = { intel: "Intel's", nvidia: "NVIDIA's device", rim: "NVIDIA's RIM" } as const;

/** Adds `--intel-root` and the like. */
export function addTestingRoots(command: Command, vendors: readonly Vendor[]): Command {
  for (const vendor of vendors)
    command.option(
      `--${vendor}-root <file>`,
      `TESTING ONLY: certificate to trust instead of ${OWNER[vendor]} root, PEM or DER`,
    );
  return command;
}
