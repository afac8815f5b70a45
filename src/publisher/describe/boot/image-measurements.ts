// States what an image measures on each of its boot paths: computed from its files, or taken from a known-good boot where nothing computes it.
// A known-good log must be of one of the boots that are stated.
import type { BootPath, Layout } from "../../../protocol/entry/boot.ts";
import type { BootMeasurements, OsImage } from "../../../protocol/entry/kinds/os-image.ts";
import { VerificationError } from "../../../protocol/errors.ts";
import type { DescribeCode } from "../describe-code.ts";
import type { AttachedDocument } from "../described.ts";
import { withFile } from "../files/random-access.ts";
import { measureGpt } from "../formats/gpt.ts";
import type { Uki } from "../formats/uki.ts";
import type { BootFileCheck } from "./boot-file.ts";
import { firstDifference } from "./compare-measured.ts";
import { type ComputedEvent, extendAll, isKnown } from "./computed-event.ts";
import { eventsOfLog } from "./expectation.ts";
import { formEvents } from "./expected-events.ts";
import { measureUkiBoot } from "./image-boot.ts";
import { type KnownGoodLog, readKnownGoodLog } from "./known-good.ts";
import { checkSecureBoot } from "./secure-boot.ts";
import { explainEvents, predictEvents } from "./tcg-prediction.ts";

export interface ImageMeasurementsInput {
  /** Path of the UKI. */
  readonly uki: string;
  /** Ways of starting it, each with the layout of the firmware's events. */
  readonly boots: readonly { readonly path: BootPath; readonly layout: Layout }[];
  /** Path of the event log of a known-good boot. */
  readonly eventLog?: string;
  /** Path of the disk image that the firmware starts it from. */
  readonly disk?: string;
}

interface Row {
  readonly boot: ImageMeasurementsInput["boots"][number];
  /** Null where the stub is not known, with the error that says so. */
  readonly events: readonly ComputedEvent[] | null;
  readonly fault: string | null;
  readonly bootFile: BootFileCheck | null;
}

/**
 * @throws VerificationError "not-computable" where nothing computes a boot and there is no log of it; "event-log" where the log is of another
 * boot, naming the first event that differs and what that usually means.
 */
export async function readMeasurements(
  input: ImageMeasurementsInput,
  uki: Uki,
  secureBoot: OsImage["secureBoot"],
): Promise<{ measurements: BootMeasurements[]; attachments: AttachedDocument[] }> {
  const rows: Row[] = [];
  for (const boot of input.boots) rows.push(await compute(input, boot, secureBoot.enabled));
  const log = input.eventLog === undefined ? null : await readKnownGoodLog(input.eventLog);
  if (log !== null) checkSecureBoot(log.path, log.log, secureBoot);
  const computed = rows.filter(({ events }) => events !== null);
  const confirmed = log !== null && computed.length > 0 ? requireAgreement(log, computed) : null;
  const stated: { row: BootMeasurements; attachments: AttachedDocument[] }[] = [];
  for (const row of rows)
    stated.push(
      row.events === null
        ? await observe(input, row, uki, log)
        : state(row, uki, row === confirmed ? log : null),
    );
  return {
    measurements: stated.map(({ row }) => row),
    attachments: stated.flatMap(({ attachments }) => attachments),
  };
}

async function compute(
  { uki, disk }: ImageMeasurementsInput,
  boot: Row["boot"],
  secureBootOn: boolean,
): Promise<Row> {
  try {
    const { path: bootPath, layout } = boot;
    const given = { uki, bootPath, layout, secureBootOn, ...(disk !== undefined && { disk }) };
    const { rtmr1, rtmr2, bootFile } = await measureUkiBoot(given);
    const events = [...rtmr1, ...rtmr2];
    const unknown = events.find((event) => !isKnown(event));
    if (unknown === undefined) return { boot, events, fault: null, bootFile };
    return { boot, events: null, fault: `${unknown.type}: ${unknown.formula}`, bootFile };
  } catch (error) {
    // A log tells what else a machine measures; it makes no other disk of this one.
    if (!(error instanceof VerificationError) || error.code !== "not-computable") throw error;
    return { boot, events: null, fault: error.message, bootFile: null };
  }
}

const ofRegister = (events: readonly ComputedEvent[], register: string) =>
  events.filter((event) => event.register === register);

function state({ boot, events, bootFile }: Row, uki: Uki, log: KnownGoodLog | null) {
  const all = (events ?? []).filter(isKnown);
  const value = (register: string) => extendAll(ofRegister(all, register)).value ?? "";
  const { attachments, ...listed } = formEvents(all);
  const from = `computed from ${uki.fileName}${boot.path === "uki-disk" ? " and its disk" : ""}`;
  const agreed = log === null ? "" : `; agrees with the ${log.source}`;
  const unchecked = bootFile?.outcome === "not-checked" ? "; the boot file on the disk was not checked" : "";
  const row: BootMeasurements = {
    bootPath: boot.path,
    layout: boot.layout,
    rtmr1: value("rtmr1"),
    rtmr2: value("rtmr2"),
    derivation: "computed",
    from: `${from}${agreed}${unchecked}`,
    ...listed,
  };
  return { row, attachments };
}

/** The row whose events the log holds. */
function requireAgreement(log: KnownGoodLog, rows: readonly Row[]): Row {
  let first: string | null = null;
  for (const register of ["rtmr1", "rtmr2"] as const) log.registerOf(register);
  for (const row of rows) {
    const differences = (["rtmr1", "rtmr2"] as const).map((register) =>
      firstDifference(register, ofRegister(row.events ?? [], register), eventsOfLog(log.log, register)),
    );
    const [difference] = differences.filter((one) => one !== null);
    if (difference === undefined) return row;
    first ??= difference;
  }
  throw new VerificationError<DescribeCode>("event-log", `${log.path}: ${first}`);
}

/** What the log holds, each event explained as far as an artefact has its digest. */
async function observe(
  { uki: path, disk, boots }: ImageMeasurementsInput,
  { boot, fault }: Row,
  uki: Uki,
  log: KnownGoodLog | null,
) {
  if (log === null || boots.length > 1)
    throw new VerificationError<DescribeCode>(
      "not-computable",
      `${fault}; or give the event log of a known-good boot, of this boot path alone`,
    );
  const gpt = disk === undefined ? undefined : await withFile(disk, "disk image", measureGpt);
  const events = explainEvents(log.log, ["rtmr1", "rtmr2"], predictEvents(uki, gpt));
  if (!events.some(({ register, digest }) => register === "rtmr1" && digest === uki.authenticode.sha384))
    throw new VerificationError<DescribeCode>(
      "event-log",
      `${log.path}: RTMR1 was not extended with ${path}: another image was booted`,
    );
  const { attachments, ...listed } = formEvents(events);
  const row: BootMeasurements = {
    bootPath: boot.path,
    layout: boot.layout,
    rtmr1: log.registerOf("rtmr1"),
    rtmr2: log.registerOf("rtmr2"),
    derivation: "observed",
    from: log.source,
    ...listed,
  };
  return { row, attachments };
}
