// Runs the commands under `describe`, each with the describer of its kind.
import { DESCRIBERS } from "../../publisher/describe/kinds/list.ts";
import type { CliContext } from "../context.ts";
import type { ReleaseOptions } from "../release-options.ts";
import { writeAndShow } from "./describe/write-and-show.ts";

export interface DescribeOptions extends ReleaseOptions {
  readonly json?: boolean;
}

export async function runDescribe(
  kind: string,
  options: DescribeOptions,
  context: CliContext,
): Promise<void> {
  const describer = DESCRIBERS.find((one) => one.kind.kind === kind);
  if (describer === undefined) throw new TypeError(`nothing describes ${kind}`);
  const input = (await describer.read(options)) as object;
  await writeAndShow(context, options, await describer.describe({ ...input, release: options }));
}
