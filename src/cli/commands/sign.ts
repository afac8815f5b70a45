// Implements `touchstone sign`: statement to envelope, or one more signature on an envelope. Needs no network and no log.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { defineSign } from "../sign-command.ts";

export function define(command: Command, context: CliContext): void {
  defineSign(
    command,
    context,
    "touchstone sign os-image.json --key keys/publisher.pem -o os-image.dsse.json",
  );
}
