// The tree of commands. Every one of them has --json, and shows an example in its help.
import { Command } from "commander";
import { packageVersion } from "../node/package-root.ts";
import { addAppraise } from "./commands/appraise.ts";
import { addAudit } from "./commands/audit.ts";
import { addBackup } from "./commands/backup.ts";
import { addBundle } from "./commands/bundle.ts";
import { addDemo } from "./commands/demo.ts";
import { addDescribe } from "./commands/describe.ts";
import { addEntries } from "./commands/entries.ts";
import { addEvidence } from "./commands/evidence.ts";
import { addFsck } from "./commands/fsck.ts";
import { addInit } from "./commands/init.ts";
import { addKey } from "./commands/key.ts";
import { addPolicy } from "./commands/policy.ts";
import { addProof } from "./commands/proof.ts";
import { addPublish } from "./commands/publish.ts";
import { addRecover } from "./commands/recover.ts";
import { addRelease } from "./commands/release.ts";
import { addRevoke } from "./commands/revoke.ts";
import { addServe } from "./commands/serve.ts";
import { addSign } from "./commands/sign.ts";
import { addStatus } from "./commands/status.ts";
import { addTrustRoot } from "./commands/trust-root.ts";
import { type CliContext, exitCodeLines } from "./context.ts";

export function createProgram(context: CliContext): Command {
  const program = new Command("touchstone")
    .description("A transparency log for confidential-computing reference values")
    .version(packageVersion(), "-V, --version")
    .addHelpText("after", `\n${exitCodeLines().join("\n")}`)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.print(text.trimEnd()),
      writeErr: (text) => context.warn(text.trimEnd()),
    });
  addInit(program, context);
  addServe(program, context);
  addDemo(program, context);
  addKey(program, context);
  addDescribe(program, context);
  addSign(program, context);
  addPublish(program, context);
  addRelease(program, context);
  addEntries(program, context);
  addPolicy(program, context);
  addRevoke(program, context);
  addStatus(program, context);
  addTrustRoot(program, context);
  addBundle(program, context);
  addProof(program, context);
  addAppraise(program, context);
  addEvidence(program, context);
  addAudit(program, context);
  addBackup(program, context);
  addRecover(program, context);
  addFsck(program, context);
  for (const command of leavesOf(program)) command.option("--json", "print one JSON value");
  return program;
}

function leavesOf(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf);
}
