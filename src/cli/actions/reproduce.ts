// Compares rebuilt files with what a logged release states, and shows each field: equal, different, or not reproducible from files.
import { kind as kindSchema } from "../../protocol/entry/kinds.ts";
import { describeReference } from "../../protocol/entry/reference.ts";
import { parseReference } from "../../publisher/client/lookup.ts";
import { readBootOption, readPciPlace } from "../../publisher/describe/boot/boot-fields.ts";
import type { MeasureInput } from "../../publisher/describe/boot/measure.ts";
import { given } from "../../publisher/describe/describer.ts";
import { type ComparedField, compareFields, resultOf } from "../../publisher/rebuild/compare-fields.ts";
import { fetchProven } from "../../publisher/rebuild/fetch-proven.ts";
import { type RebuiltFiles, recompute } from "../../publisher/rebuild/recompute.ts";
import { parseTrustFile } from "../../verifier/bundle/trust-pin.ts";
import { AnswerIsNo, type CliContext, show, UsageError } from "../context.ts";
import { readOwn } from "../files.ts";
import { logClient } from "../log-client.ts";

interface Options extends Omit<RebuiltFiles, "boot" | "outputs"> {
  readonly to: string;
  readonly trust: string;
  readonly outputFile?: readonly string[];
  readonly boot: MeasureInput["boot"];
  readonly bootOption?: readonly string[];
  readonly diskDevice?: string;
  readonly secureBoot?: "none" | "off" | "on";
  readonly json?: boolean;
}

export async function runReproduce(text: string, options: Options, context: CliContext): Promise<void> {
  const { kind, ...named } = parseReference(text);
  const known = kindSchema.safeParse(kind);
  if (!known.success) throw new UsageError(`${kind} is no kind of entry`);
  const { root } = readOwn(options.trust, parseTrustFile);
  const client = logClient(options.to, context);
  const entry = await fetchProven(client, { kind: known.data, ...named }, root);
  const rebuilt = await recompute(entry.statement, filesOf(options));
  const fields = compareFields(entry.statement.predicate as Readonly<Record<string, unknown>>, rebuilt);
  const result = resultOf(fields);
  const label = describeReference(entry.statement);
  show(context, options, { entry: label, index: entry.index, size: entry.size, result, fields }, [
    `${label}, entry ${entry.index} of ${root.origin} at size ${entry.size}: ${result}`,
    ...fields.map(fieldLine),
  ]);
  if (result !== "equal") throw new AnswerIsNo();
}

function filesOf({ outputFile, boot, bootOption, diskDevice, secureBoot, ...files }: Options): RebuiltFiles {
  const { uki, rootfs, verity, disk, modules, firmware, acpi } = files;
  return {
    ...given({ uki, rootfs, verity, disk, modules, firmware, acpi, outputs: outputFile }),
    boot: {
      boot,
      ...given({
        secureBoot,
        bootOptions: bootOption?.map(readBootOption),
        diskDevice: diskDevice === undefined ? undefined : readPciPlace(diskDevice),
      }),
    },
  };
}

const OUTCOMES = { equal: "equal", differs: "DIFFERS", "not-reproducible": "not reproducible" } as const;
const MOST = 110;

function fieldLine({ field, outcome, stated, found }: ComparedField): string {
  const line = `  ${OUTCOMES[outcome].padEnd(16)}  ${field}`;
  if (outcome !== "differs") return line;
  const cut = (text: string | null) =>
    text === null ? "nothing" : text.length > MOST ? `${text.slice(0, MOST)}…` : text;
  return `${line}\n      stated  ${cut(stated)}\n      found   ${cut(found)}`;
}
