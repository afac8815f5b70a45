// Compares rebuilt files with what a logged release states, and shows each field: equal, different, or not reproducible from files.
import { openSigners } from "../../node/signing/open-signer.ts";
import { kind as kindShape } from "../../protocol/entry/kinds.shape.ts";
import { describeReference, type Reference } from "../../protocol/entry/reference.ts";
import { envelopeToJson } from "../../protocol/envelope/dsse.ts";
import { parseReference } from "../../publisher/client/lookup.ts";
import { readBootOption, readPciPlace } from "../../publisher/describe/boot/boot-fields.ts";
import type { MeasureInput } from "../../publisher/describe/boot/measure.ts";
import { given } from "../../publisher/describe/describer.ts";
import { type ComparedField, compareFields, resultOf } from "../../publisher/rebuild/compare-fields.ts";
import { fetchProven } from "../../publisher/rebuild/fetch-proven.ts";
import { type RebuiltFiles, recompute } from "../../publisher/rebuild/recompute.ts";
import { stateRebuild } from "../../publisher/rebuild/state-rebuild.ts";
import { signEnvelope } from "../../publisher/signing/sign.ts";
import { parseTrustFile } from "../../verifier/bundle/trust-pin.ts";
import { AnswerIsNo, type CliContext, show, UsageError } from "../context.ts";
import { readOwn, writeOutput } from "../files.ts";
import { logClient } from "../log-client.ts";

interface Options extends Omit<RebuiltFiles, "boot" | "outputs"> {
  readonly to: string;
  readonly trust: string;
  readonly outputFile?: readonly string[];
  readonly boot: MeasureInput["boot"];
  readonly bootOption?: readonly string[];
  readonly diskDevice?: string;
  readonly secureBoot?: "none" | "off" | "on";
  readonly sign?: readonly string[];
  readonly name?: string;
  readonly rebuildVersion?: string;
  readonly rebuilder?: string;
  readonly source?: string;
  readonly tool?: readonly string[];
  readonly output?: string;
  readonly json?: boolean;
}

export async function runReproduce(text: string, options: Options, context: CliContext): Promise<void> {
  const { kind, ...named } = parseReference(text);
  const known = kindShape.safeParse(kind);
  if (known.error) throw new UsageError(`${kind} is no kind of entry`);
  const { root } = readOwn(options.trust, parseTrustFile);
  const client = logClient(options.to, context);
  const entry = await fetchProven(client, { kind: known.data, ...named }, root);
  const rebuilt = await recompute(entry.envelope.statement, filesOf(options));
  const fields = compareFields(entry.statement.predicate as Readonly<Record<string, unknown>>, rebuilt);
  const result = resultOf(fields);
  const label = describeReference(entry.statement);
  const { name, version } = named;
  const reference = { kind, name, version, digest: entry.envelope.payloadDigest };
  const output = options.sign === undefined ? null : await writeRebuild(reference, fields, options, context);
  show(
    context,
    options,
    { entry: label, index: entry.index, size: entry.size, result, fields, rebuild: output },
    [
      `${label}, entry ${entry.index} of ${root.origin} at size ${entry.size}: ${result}`,
      ...fields.map(fieldLine),
      ...(output === null ? [] : [`${output}: a rebuild entry, signed; publish it`]),
    ],
  );
  if (result !== "equal") throw new AnswerIsNo();
}

/** @returns the path of the envelope. @throws UsageError where it is not said who rebuilt what. */
async function writeRebuild(
  of: Reference,
  fields: readonly ComparedField[],
  { sign = [], name, rebuildVersion: version, rebuilder: id, source, tool = [], output }: Options,
  context: CliContext,
): Promise<string> {
  if (
    name === undefined ||
    version === undefined ||
    id === undefined ||
    source === undefined ||
    output === undefined
  )
    throw new UsageError(
      "--sign makes an entry: give --name, --rebuild-version, --rebuilder, --source and --output",
    );
  const keys = await openSigners(sign, context);
  const payload = stateRebuild(of, fields, { name, version, id, source, toolchain: tool.map(readTool) });
  const envelope = await signEnvelope({ payload, signatures: [] }, keys);
  writeOutput(output, `${JSON.stringify(envelopeToJson(envelope))}\n`);
  return output;
}

function readTool(text: string): { name: string; version: string } {
  const [, name, version] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined || version === undefined)
    throw new UsageError("--tool takes name=version, as gcc=14.2.0");
  return { name, version };
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
