// Defines and runs the commands under `describe`, one for each describer.
import { type Command, Option } from "commander";
import type { DescribeOption, Describer } from "../../publisher/describe/describer.ts";
import { DESCRIBERS } from "../../publisher/describe/kinds/list.ts";
import type { CliContext } from "../context.ts";
import { collect, parseCount, parseTime } from "../options.ts";
import { addReleaseOptions, type ReleaseOptions } from "./describe/release-options.ts";
import { writeAndShow } from "./describe/write-and-show.ts";

interface Options extends ReleaseOptions {
  readonly json?: boolean;
}

export function addKinds(describe: Command, context: CliContext): void {
  for (const describer of DESCRIBERS) addKind(describe, describer, context);
}

function addKind(describe: Command, describer: Describer, context: CliContext): void {
  const command = describe.command(describer.kind.kind).description(describer.summary);
  addReleaseOptions(command);
  for (const option of describer.options) command.addOption(toCommander(option));
  command.addHelpText("after", describer.example).action(async (options: Options) => {
    const input = (await describer.read(options)) as object;
    await writeAndShow(context, options, await describer.describe({ ...input, release: options }));
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
