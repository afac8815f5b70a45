// Implements `touchstone describe`: real artefacts into a statement, one command for each describer.
import { type Command, Option } from "commander";
import type { DescribeOption } from "../../publisher/describe/describer.ts";
import type { CliContext } from "../context.ts";
import { DESCRIBER_OPTIONS, type DescriberOptions } from "../describer-options.ts";
import { collect, parseCount, parseTime } from "../options.ts";
import { addReleaseOptions } from "../release-options.ts";

export function define(describe: Command, context: CliContext): void {
  for (const describer of DESCRIBER_OPTIONS) addKind(describe, describer, context);
}

function addKind(describe: Command, { kind, ...describer }: DescriberOptions, context: CliContext): void {
  const command = describe.command(kind).description(describer.summary);
  addReleaseOptions(command);
  for (const option of describer.options) command.addOption(toCommander(option));
  command.addHelpText("after", describer.example).action(async (options) => {
    const { runDescribe } = await import("../actions/describe.ts");
    await runDescribe(kind, options, context);
  });
}

const PARSERS = { count: parseCount, time: parseTime };

function toCommander({ flags, description, ...given }: DescribeOption): Option {
  const option = new Option(flags, description).makeOptionMandatory(given.required === true);
  if (given.choices !== undefined) option.choices(given.choices);
  if (given.default !== undefined) option.default(given.default);
  if (given.repeated === true) option.argParser<string[]>(collect);
  if (given.value !== undefined) option.argParser<number | Date>(PARSERS[given.value]);
  return option;
}
