// Describes a platform: virtual firmware, VMM and the shape of the VM. MRTD and RTMR0 are computed from them; what cannot be is taken from a
// known-good quote or event log, and says so; what two sources say must agree.
import type { Layout, Vmm } from "../../protocol/entry/boot.ts";
import type { Platform } from "../../protocol/entry/kinds/platform.ts";
import { formatStatement, type Subject } from "../../protocol/envelope/statement.ts";
import { VerificationError } from "../../protocol/errors.ts";
import { digestAcpi } from "./boot/acpi-blobs.ts";
import { firstDifference } from "./boot/compare-measured.ts";
import { isKnown } from "./boot/computed-event.ts";
import { eventsOfLog } from "./boot/expectation.ts";
import { type Firmware, readFirmware } from "./boot/firmware.ts";
import {
  type KnownGoodLog,
  type KnownGoodQuote,
  readKnownGoodLog,
  readKnownGoodQuote,
} from "./boot/known-good.ts";
import { type Measured, type MeasureInput, measureBoot } from "./boot/measure.ts";
import { explainEvents } from "./boot/tcg-prediction.ts";
import { type DangerousAttribute, requireAllowedAttributes } from "./dangerous-attributes.ts";
import type { DescribeCode } from "./describe-code.ts";
import type { Described } from "./described.ts";
import { digestFile } from "./files/random-access.ts";
import type { PageAddOrder } from "./formats/tdvf.ts";
import { type ReleaseInput, readReleaseFields } from "./release-fields.ts";

type Boot = Pick<MeasureInput, "boot" | "bootOptions" | "diskDevice" | "nodes" | "secureBoot" | "uki">;

export interface PlatformInput extends Partial<Boot> {
  readonly release: ReleaseInput;
  /** Path of the firmware (TDVF) file. Without one, MRTD is what the quote says. */
  readonly firmware?: string;
  /** How the VMM adds pages. Without it, the order whose MRTD the quote has. */
  readonly pageAddOrder?: PageAddOrder;
  /** Order of the firmware's events; read from the firmware where that is certain. */
  readonly layout?: Layout;
  readonly vmm: {
    readonly name: Platform["vmm"]["name"];
    readonly package?: string;
    /** Path of the program. */
    readonly program?: string;
    readonly arguments?: readonly string[];
  };
  /** Path of a known-good TDX quote. */
  readonly quote?: string;
  /** Path of the event log of a known-good boot. */
  readonly eventLog?: string;
  /** Folder of the ACPI blobs, as `touchstone measure acpi` writes them. */
  readonly acpi?: string;
  readonly shape: Platform["shape"];
  /** 8 bytes in hex as a quote holds them; read from the quote where there is one. */
  readonly tdAttributes?: string;
  readonly xfam?: string;
  /** Dangerous attributes that the platform is to be stated with all the same. */
  readonly allowAttributes?: readonly DangerousAttribute[];
}

/**
 * @throws MalformedError on a file that is not of its format; VerificationError "sources-disagree" when two sources contradict
 * each other, "source-missing" when nothing says what a value is, "dangerous-attribute" for one that was not allowed.
 */
export async function describePlatform(input: PlatformInput): Promise<Described> {
  const quote = input.quote === undefined ? undefined : await readKnownGoodQuote(input.quote);
  const log = input.eventLog === undefined ? undefined : await readKnownGoodLog(input.eventLog);
  const firmware = input.firmware === undefined ? null : await readFirmware(input.firmware);
  const measured = await measureBoot(measuredInput(input), firmware);
  const subjects = [subjectOf(firmware, quote)];
  const predicate: Platform = {
    ...(await readReleaseFields(input.release, subjects)),
    firmware: firmware && { fileName: firmware.fileName, ...firmware.digests },
    ...chooseMrtd(firmware, quote, input.pageAddOrder),
    ...chooseRtmr0(measured, quote, log),
    layout: measured.layout,
    vmm: await readVmm(input.vmm),
    acpi: input.acpi === undefined ? null : await readAcpi(input.acpi, log),
    shape: input.shape,
    tdAttributes: agree("TD attributes", [quote?.body.tdAttributes, input.tdAttributes]),
    xfam: agree("XFAM", [quote?.body.xfam, input.xfam]),
  };
  requireAllowedAttributes(predicate, input.allowAttributes ?? []);
  return { payload: formatStatement("platform", predicate, subjects), attachments: [] };
}

function measuredInput(input: PlatformInput): MeasureInput {
  const {
    boot = "kernel",
    bootOptions,
    diskDevice,
    nodes,
    secureBoot,
    uki,
    layout,
    acpi,
    vmm,
    shape,
  } = input;
  const name: Vmm | undefined = vmm.name === "other" ? undefined : vmm.name;
  return {
    boot,
    memory: shape.memoryBytes,
    ...(name && { vmm: name }),
    ...(layout && { layout }),
    ...(acpi !== undefined && { acpi }),
    ...(bootOptions && { bootOptions }),
    ...(diskDevice && { diskDevice }),
    ...(nodes && { nodes }),
    ...(secureBoot && { secureBoot }),
    ...(uki !== undefined && { uki }),
  };
}

type Rtmr0 = Pick<Platform, "rtmr0" | "rtmr0From" | "rtmr0Derivation" | "events">;

/** Computed where every event is; else as the quote or the log says. Known-good evidence must agree with what was computed. */
function chooseRtmr0(
  { rtmr0: { value, reason, events } }: Measured,
  quote: KnownGoodQuote | undefined,
  log: KnownGoodLog | undefined,
): Rtmr0 {
  const sources = [quote?.source, log?.source].filter((source) => source !== undefined).join("; ");
  const shown = [quote?.body.rtmr0, log?.registerOf("rtmr0")];
  if (value === null) {
    const rtmr0 = agree("RTMR0", shown, `a quote or an event log, or what computes it (${reason})`);
    const listed = log && explainEvents(log.log, ["rtmr0"], events.filter(isKnown));
    return { rtmr0, rtmr0From: sources, rtmr0Derivation: "observed", events: listed ?? null };
  }
  const difference = log && firstDifference("rtmr0", events, eventsOfLog(log.log, "rtmr0"));
  if (difference) throw new VerificationError<DescribeCode>("sources-disagree", `${log.path}: ${difference}`);
  return {
    rtmr0: agree("RTMR0", [value, ...shown]),
    rtmr0From: `computed from firmware, VMM and shape${sources === "" ? "" : `; agrees with ${sources}`}`,
    rtmr0Derivation: "computed",
    events: events.filter(isKnown),
  };
}

async function readVmm({ name, package: named, program, arguments: given }: PlatformInput["vmm"]) {
  const digests = program === undefined ? null : await digestFile(program, ["sha256"]);
  return {
    name,
    package: named ?? null,
    sha256: digests?.sha256 ?? null,
    arguments: [...(given ?? [])],
  };
}

/** The firmware file; where there is none, the quote that shows what was measured of it. */
function subjectOf(firmware: Firmware | null, quote: KnownGoodQuote | undefined): Subject {
  if (firmware !== null) {
    const { sha256, sha384 } = firmware.digests;
    return { name: firmware.fileName, digest: { sha256, sha384 } };
  }
  if (quote === undefined) throw missing("MRTD", "a firmware file or a quote");
  return { name: "known-good TDX quote", digest: { sha256: quote.sha256 } };
}

function chooseMrtd(
  firmware: Firmware | null,
  quote: KnownGoodQuote | undefined,
  wanted: PageAddOrder | undefined,
): Pick<Platform, "mrtd" | "pageAddOrder"> {
  if (firmware === null) return { mrtd: agree("MRTD", [quote?.body.mrtd]), pageAddOrder: "observed" };
  const orders = wanted === undefined ? (["single-pass", "two-pass"] as const) : [wanted];
  if (quote === undefined && wanted === undefined)
    throw missing("the order in which pages are added", "it, or a quote");
  const order = orders.find((one) => quote === undefined || firmware.mrtd[one] === quote.body.mrtd);
  if (order === undefined)
    throw new VerificationError<DescribeCode>(
      "sources-disagree",
      `the quote's MRTD ${quote?.body.mrtd} is not that of ${firmware.fileName}`,
    );
  return { mrtd: firmware.mrtd[order], pageAddOrder: order };
}

/** Where there is an event log, RTMR0 must have been extended with each of the digests. */
async function readAcpi(
  folder: string,
  log: KnownGoodLog | undefined,
): Promise<NonNullable<Platform["acpi"]>> {
  const acpi = await digestAcpi(folder);
  const logged = log && new Set(eventsOfLog(log.log, "rtmr0").map(({ digest }) => digest));
  for (const [name, digest] of Object.entries(acpi))
    if (logged !== undefined && !logged.has(digest))
      throw new VerificationError<DescribeCode>(
        "sources-disagree",
        `${folder}: the event log measures no such ACPI ${name} into RTMR0`,
      );
  return acpi;
}

/** The one value that the sources give. */
function agree(
  what: string,
  values: readonly (string | undefined)[],
  source = "a quote or its own option",
): string {
  const given = [...new Set(values.filter((value) => value !== undefined))];
  const [value] = given;
  if (value === undefined) throw missing(what, source);
  if (given.length > 1)
    throw new VerificationError<DescribeCode>("sources-disagree", `${what} is ${given.join(" and ")}`);
  return value;
}

function missing(what: string, source: string): VerificationError<DescribeCode> {
  return new VerificationError<DescribeCode>(
    "source-missing",
    `nothing says what ${what} is: give ${source}`,
  );
}
