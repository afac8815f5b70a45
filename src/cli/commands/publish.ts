// Implements `touchstone publish`: sends signed entries to a log and writes the proof of each beside its file.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { definePublish } from "../publish-command.ts";

export function define(command: Command, context: CliContext): void {
  definePublish(
    command,
    context,
    "touchstone publish kernel.dsse.json os-image.dsse.json --to https://log.example.com --trust trust-root.json",
  );
}
