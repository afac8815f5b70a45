// Implements `touchstone describe`: real artefacts into a statement, one command for each describer.
import { type Command, Option } from "commander";
import type { DescribeOption } from "../../publisher/describe/describer.ts";
import type { CliContext } from "../context.ts";
import { defineLater } from "../define-command.ts";
import { DESCRIBER_OPTIONS, type DescriberOptions } from "../describer-options.ts";
import { collect, parseCount, parseTime } from "../options.ts";
import { addReleaseOptions } from "../release-options.ts";

/** The kinds alone: the options of all of them together cost a start 3 ms. */
export function define(describe: Command): void {
  for (const describer of DESCRIBER_OPTIONS)
    defineLater(describe.command(describer.kind).description(describer.summary), (command, context) =>
      defineKind(command, describer, context),
    );
}

function defineKind(command: Command, { kind, ...describer }: DescriberOptions, context: CliContext): void {
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
