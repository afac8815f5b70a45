// Checks the tuple that a quote must match as a whole: one platform's firmware and shape with one image of the profile. Registers of
// different profiles or platforms are never mixed.
import { type BootMeasurements, type OsImage, osImage } from "../../protocol/entry/kinds/os-image.ts";
import { type Platform, platform } from "../../protocol/entry/kinds/platform.ts";
import type { Profile, TdxRequirements } from "../../protocol/entry/policy.ts";
import { describeReference } from "../../protocol/entry/reference.ts";
import { VerificationError } from "../../protocol/errors.ts";
import type { VerifiedBundle } from "../bundle/verify-bundle.ts";
import { type Check, CheckList } from "../check-list.ts";
import { requireRuntimeEvents } from "../tdx/event-log.ts";
import type { EventLog } from "../tdx/logged-event.ts";
import type { TdReport } from "../tdx/quote.ts";
import type { TdxCode } from "../tdx/tdx-code.ts";
import { TUPLE_CHECKS } from "./appraisal-checks.ts";

/** One way to satisfy a profile: the profile on one of its platforms. */
export interface Candidate {
  readonly profile: Profile;
  readonly platform: Platform;
  readonly platformEntry: string;
  readonly image: OsImage;
  /** What the image states of the profile's way of starting it, under the layout of the platform's firmware. */
  readonly measurements: BootMeasurements;
  readonly imageEntry: string;
}

/** Every candidate of the policy, in the order in which it names them. */
export function candidatesOf({ policy, entries }: VerifiedBundle): Candidate[] {
  return policy.profiles.flatMap((profile) => {
    const image = entries.get(profile.osImage.digest)?.statement;
    if (image?.kind !== osImage.kind) return [];
    return profile.platforms.flatMap((reference) => {
      const firmware = entries.get(reference.digest)?.statement;
      if (firmware?.kind !== platform.kind) return [];
      const measurements = measurementsOf(image.predicate, profile, firmware.predicate);
      if (measurements === undefined) return [];
      return {
        profile,
        platform: firmware.predicate,
        platformEntry: describeReference(reference),
        image: image.predicate,
        measurements,
        imageEntry: describeReference(profile.osImage),
      };
    });
  });
}

/** A verified bundle has a row for every platform of every profile: registration refuses a policy without. */
function measurementsOf(
  image: OsImage,
  { bootPath }: Profile,
  { layout }: Platform,
): BootMeasurements | undefined {
  return image.measurements.find((row) => row.bootPath === bootPath && row.layout === layout);
}

/** How the values came about that a candidate is compared with. */
export type Derivations = Readonly<Record<"mrtd" | "rtmr0" | "rtmr1" | "rtmr2", Derivation>>;
type Derivation = BootMeasurements["derivation"];

export function derivationsOf({ platform, measurements }: Candidate): Derivations {
  return {
    mrtd: platform.pageAddOrder === "observed" ? "observed" : "computed",
    rtmr0: platform.rtmr0Derivation,
    rtmr1: measurements.derivation,
    rtmr2: measurements.derivation,
  };
}

/** Compares the quote's body with one candidate; without a body nothing is evaluated. */
export async function checkTuple(
  candidate: Candidate,
  body: TdReport | null,
  log: EventLog | null,
): Promise<Check[]> {
  const list = new CheckList(TUPLE_CHECKS);
  if (body === null) return list.checks;
  const { platform, platformEntry, measurements, imageEntry, profile } = candidate;
  const byPlatform = { entry: platformEntry };
  const byImage = { entry: imageEntry };
  list.equal("tuple.mrtd", platform.mrtd, body.mrtd, byPlatform);
  list.equal("tuple.rtmr0", platform.rtmr0, body.rtmr0, byPlatform);
  list.equal("tuple.td-attributes", platform.tdAttributes, body.tdAttributes, byPlatform);
  list.equal("tuple.xfam", platform.xfam, body.xfam, byPlatform);
  list.equal("tuple.rtmr1", measurements.rtmr1, body.rtmr1, byImage);
  list.equal("tuple.rtmr2", measurements.rtmr2, body.rtmr2, byImage);
  list.equal("tuple.mr-config-id", profile.tdx.mrConfigId, body.mrConfigId);
  list.equal("tuple.mr-owner", profile.tdx.mrOwner, body.mrOwner);
  list.equal("tuple.mr-owner-config", profile.tdx.mrOwnerConfig, body.mrOwnerConfig);
  await checkRtmr3(list, profile.tdx.rtmr3, body, log);
  return list.checks;
}

const ZERO_REGISTER = "00".repeat(48);

async function checkRtmr3(
  list: CheckList<(typeof TUPLE_CHECKS)[number]>,
  wanted: TdxRequirements["rtmr3"],
  body: TdReport,
  log: EventLog | null,
): Promise<void> {
  if (wanted.mode !== "replay") {
    list.equal("tuple.rtmr3", wanted.mode === "zero" ? ZERO_REGISTER : wanted.value, body.rtmr3);
    return;
  }
  await list.attempt("tuple.rtmr3", () => {
    if (log === null)
      throw new VerificationError<TdxCode>(
        "event-log",
        "the profile wants RTMR3 replayed, and there is no event log",
      );
    requireRuntimeEvents(log, body, wanted.events);
  });
}
