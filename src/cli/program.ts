// The tree of commands. Every one of them has --json, and shows an example in its help.
import { Command } from "commander";
import { addAppraise } from "./appraise.ts";
import { addAudit } from "./audit.ts";
import { addBackup } from "./backup.ts";
import { addBundle } from "./bundle.ts";
import type { CliContext } from "./context.ts";
import { addDemo } from "./demo.ts";
import { addDriverBuild } from "./describe/driver-build.ts";
import { addGpuRim } from "./describe/gpu-rim.ts";
import { addGspFirmware } from "./describe/gsp-firmware.ts";
import { addKernelPatchSet } from "./describe/kernel-patch-set.ts";
import { addOsImage } from "./describe/os-image.ts";
import { addPlatform } from "./describe/platform.ts";
import { addEntries } from "./entries.ts";
import { addEvidence } from "./evidence.ts";
import { addFsck } from "./fsck.ts";
import { addInit } from "./init.ts";
import { addKey } from "./key.ts";
import { addPolicy } from "./policy.ts";
import { addProof } from "./proof.ts";
import { addPublish } from "./publish.ts";
import { addRecover } from "./recover.ts";
import { addRelease } from "./release.ts";
import { addRevoke } from "./revoke.ts";
import { addServe } from "./serve.ts";
import { addSign } from "./sign.ts";
import { addStatus } from "./status.ts";
import { addTrustRoot } from "./trust-root.ts";
import { packageVersion } from "./version.ts";

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

function addDescribe(program: Command, context: CliContext): void {
  const describe = program.command("describe").description("read real artefacts into a statement");
  addOsImage(describe, context);
  addKernelPatchSet(describe, context);
  addDriverBuild(describe, context);
  addGspFirmware(describe, context);
  addGpuRim(describe, context);
  addPlatform(describe, context);
}
