// touchstone publish: sends signed entries to a log and writes the proof of each beside its file.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { addPublishTo } from "../publish-command.ts";

export function addPublish(program: Command, context: CliContext): void {
  addPublishTo(
    program,
    context,
    "touchstone publish kernel.dsse.json os-image.dsse.json --to https://log.example.com --trust trust-root.json",
  );
}
