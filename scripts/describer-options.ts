// Writes the options of the describers as a table of their own, so that the help of `touchstone describe` loads no describer.
import { DESCRIBERS } from "../src/publisher/describe/kinds/list.ts";

export const DESCRIBER_OPTIONS_PATH = "src/cli/describer-options.ts";

const HEAD = `// Lists what each \`touchstone describe KIND\` takes. Generated from the describers by \`npm run generate\`; do not edit.
import type { DescribeOption } from "../publisher/describe/describer.ts";

export interface DescriberOptions {
  readonly kind: string;
  readonly summary: string;
  readonly options: readonly DescribeOption[];
  /** Shown below the options. */
  readonly example: string;
}

export const DESCRIBER_OPTIONS: readonly DescriberOptions[] = `;

export function describerOptionsText(): string {
  const table = DESCRIBERS.map(({ kind: { kind }, summary, options, example }) => ({
    kind,
    summary,
    options,
    example,
  }));
  return `${HEAD}${JSON.stringify(table, null, 2)};\n`;
}
