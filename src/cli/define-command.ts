// Defines what a command takes when it is called or asked for its help: the options of all commands would slow every start.
import type { Command } from "commander";
import { type CliContext, UsageError } from "./context.ts";

export type Define = (command: Command, context: CliContext) => void | Promise<void>;

const PUT_OFF = new WeakMap<Command, Define>();

/** Puts off what a command takes and has below it, until `defineCommand`. Its name and description are for the help of its group. */
export function defineLater(command: Command, define: Define): void {
  PUT_OFF.set(command, define);
}

/** Defines what was put off of a command, once. What is put off of the commands below it stays so. */
export async function defineCommand(command: Command, context: CliContext): Promise<void> {
  const define = PUT_OFF.get(command);
  if (define === undefined) return;
  PUT_OFF.delete(command);
  await define(command, context);
  for (const leaf of leavesOf(command)) {
    if (PUT_OFF.has(leaf)) continue;
    leaf.option("--json", "print one JSON value");
    nameAllThatIsMissing(leaf);
  }
  command.hook("preSubcommand", (_, below) => defineCommand(below, context));
}

/** Every command that does something: those without commands below them, and those that have options of their own besides. */
function leavesOf(command: Command): Command[] {
  const below = command.commands.flatMap(leavesOf);
  return below.length === 0 || command.options.length > 0 ? [command, ...below] : below;
}

/** Marks the required options in the help, and where some are missing names all of them at once, not one after the other. */
function nameAllThatIsMissing(command: Command): void {
  const required = command.options.filter(({ mandatory }) => mandatory);
  for (const option of required) {
    option.makeOptionMandatory(false);
    option.description = `${option.description} (required)`;
  }
  command.hook("preAction", (_, called) => {
    // A command may have others below it, to which its own options are nothing.
    if (called !== command) return;
    const missing = required.filter((option) => command.getOptionValue(option.attributeName()) === undefined);
    if (missing.length > 0) throw new UsageError(`missing: ${missing.map(({ flags }) => flags).join(", ")}`);
  });
}
