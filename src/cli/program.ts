// The tree of commands. Every one of them has --json, and shows an example in its help.
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { addBundle } from "./bundle.ts";
import type { CliContext } from "./context.ts";
import { addEntries } from "./entries.ts";
import { addInit } from "./init.ts";
import { addKey } from "./key.ts";
import { addPolicy } from "./policy.ts";
import { addProof } from "./proof.ts";
import { addPublish } from "./publish.ts";
import { addRevoke } from "./revoke.ts";
import { addSign } from "./sign.ts";
import { addTrustRoot } from "./trust-root.ts";

export function createProgram(context: CliContext): Command {
  const program = new Command("touchstone")
    .description("A transparency log for confidential-computing reference values")
    .version(packageVersion(), "-V, --version")
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.print(text.trimEnd()),
      writeErr: (text) => context.warn(text.trimEnd()),
    });
  addInit(program, context);
  addKey(program, context);
  addSign(program, context);
  addPublish(program, context);
  addEntries(program, context);
  addPolicy(program, context);
  addRevoke(program, context);
  addTrustRoot(program, context);
  addBundle(program, context);
  addProof(program, context);
  for (const command of leavesOf(program)) command.option("--json", "print one JSON value");
  return program;
}

function leavesOf(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf);
}

function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return String((manifest as { version: unknown }).version);
}
