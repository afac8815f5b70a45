// Describes a platform: virtual firmware and the shape of the VM. MRTD is computed from the firmware; RTMR0 depends on the whole
// VM and is taken from a known-good quote or event log; what two sources say must agree.

import { encodeHex } from "../../protocol/encoding/hex.ts";
import type { Platform } from "../../protocol/entry/kinds/platform.ts";
import { formatStatement, type Subject } from "../../protocol/envelope/statement.ts";
import { VerificationError } from "../../protocol/errors.ts";
import {
  type KnownGoodLog,
  type KnownGoodQuote,
  readKnownGoodLog,
  readKnownGoodQuote,
} from "./boot/known-good.ts";
import { type DangerousAttribute, requireAllowedAttributes } from "./dangerous-attributes.ts";
import type { DescribeCode } from "./describe-code.ts";
import type { Described } from "./described.ts";
import { digestContent, digestFile, withFile } from "./files/random-access.ts";
import { computeMrtd, type PageAddOrder, readTdvfSections } from "./formats/tdvf.ts";
import { type ReleaseInput, readReleaseFields } from "./release-fields.ts";

export interface PlatformInput {
  readonly release: ReleaseInput;
  /** Path of the firmware (TDVF) file. Without one, MRTD is what the quote says. */
  readonly firmware?: string;
  /** How the VMM adds pages. Without it, the order whose MRTD the quote has. */
  readonly pageAddOrder?: PageAddOrder;
  /** Path of a known-good TDX quote. */
  readonly quote?: string;
  /** Path of the event log of a known-good boot. */
  readonly eventLog?: string;
  /** Paths of the ACPI blobs of fw_cfg as the firmware measures them. */
  readonly acpi?: { readonly loader: string; readonly rsdp: string; readonly tables: string };
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
  const subjects = [subjectOf(firmware, quote)];
  const predicate: Platform = {
    ...(await readReleaseFields(input.release, subjects)),
    firmware: firmware && { fileName: firmware.fileName, ...firmware.digests },
    ...chooseMrtd(firmware, quote, input.pageAddOrder),
    rtmr0: agree("RTMR0", [quote?.body.rtmr0, log?.registerOf("rtmr0")], "a quote or an event log"),
    rtmr0From: [quote?.source, log?.source].filter((source) => source !== undefined).join("; "),
    acpi: input.acpi === undefined ? null : await readAcpi(input.acpi, log),
    shape: input.shape,
    tdAttributes: agree("TD attributes", [quote?.body.tdAttributes, input.tdAttributes]),
    xfam: agree("XFAM", [quote?.body.xfam, input.xfam]),
  };
  requireAllowedAttributes(predicate, input.allowAttributes ?? []);
  return { payload: formatStatement("platform", predicate, subjects), attachments: [] };
}

interface Firmware {
  readonly fileName: string;
  readonly digests: { readonly size: number; readonly sha256: string; readonly sha384: string };
  readonly mrtd: Readonly<Record<PageAddOrder, string>>;
}

async function readFirmware(path: string): Promise<Firmware> {
  return await withFile(path, "TDX firmware", async (file) => {
    const sections = await readTdvfSections(file);
    const mrtd = {
      "single-pass": await computeMrtd(file, sections, "single-pass"),
      "two-pass": await computeMrtd(file, sections, "two-pass"),
    };
    return { fileName: file.name, digests: await digestContent(file, ["sha256", "sha384"]), mrtd };
  });
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
  paths: NonNullable<PlatformInput["acpi"]>,
  log: KnownGoodLog | undefined,
): Promise<NonNullable<Platform["acpi"]>> {
  const digest = async (path: string) => {
    const { sha384 } = await digestFile(path, ["sha384"]);
    const events = log?.log.events.filter(({ rtmr }) => rtmr === 0);
    if (events !== undefined && !events.some((event) => encodeHex(event.digest) === sha384))
      throw new VerificationError<DescribeCode>(
        "sources-disagree",
        `${path}: the event log measures no such ACPI data into RTMR0`,
      );
    return sha384;
  };
  return {
    loader: await digest(paths.loader),
    rsdp: await digest(paths.rsdp),
    tables: await digest(paths.tables),
  };
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
