// Implements `touchstone describe`: real artefacts into a statement, one command for each describer. What they take is in the describers'
// list.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";

export async function define(describe: Command, context: CliContext): Promise<void> {
  const { addKinds } = await import("../actions/describe.ts");
  addKinds(describe, context);
}
