// Defines what `attest` and `attest serve` are told of the machine they run in, and of where the vendors' documents are.
import { type Command, InvalidArgumentError } from "commander";
import { collect } from "./options.ts";

/** Where the program is said what to run: the nonce must get into the reports. */
function collectCommand(command: string, earlier: readonly string[] = []): string[] {
  if (!/ \S*\{nonce\}/.test(command))
    throw new InvalidArgumentError("expected a command with {nonce} where the nonce belongs");
  return [...earlier, command];
}

export interface MachineOptions {
  readonly root: string;
  readonly eventLog?: string;
  readonly collect: readonly string[];
  readonly nvidiaSmi: string;
  readonly collateral: readonly string[];
  readonly revocation: readonly string[];
}

export function addMachineOptions(command: Command): Command {
  return command
    .option("--root <dir>", "where /sys of this machine is", "/")
    .option("--event-log <file>", "event log; the CCEL area of the firmware unless given, where there is one")
    .option(
      "--collect <command>",
      "program that prints evidence of GPUs or switches, run without a shell; {nonce} stands for 64 hex digits; may be repeated",
      collectCommand,
      [],
    )
    .option("--nvidia-smi <program>", "asked for the mode of the GPUs, where any are collected", "nvidia-smi")
    .requiredOption(
      "--collateral <source>",
      "Intel's collateral: a file, a folder of answers, or the address of a PCCS; may be repeated",
      collect,
    )
    .option(
      "--revocation <source>",
      "OCSP answers and CRLs of NVIDIA: a file, a folder, or the address of a responder; may be repeated",
      collect,
      [],
    );
}
