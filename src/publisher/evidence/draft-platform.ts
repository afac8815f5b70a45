// Drafts the statement of a platform whose values were read from the quote of a known-good machine.
import { type Platform, platform } from "../../protocol/entry/kinds/platform.ts";
import { formatStatement } from "../../protocol/envelope/statement.ts";
import type { ObservedMachine } from "./observe-machine.ts";

/** What the operator knows of the machine and its evidence does not say. */
export interface PlatformRelease
  extends Pick<Platform, "name" | "version" | "channel" | "svn" | "builder" | "source"> {
  readonly shape: Omit<Platform["shape"], "gpus">;
  readonly vmm: Platform["vmm"];
}

/** The statement's payload. @throws MalformedError when a field is not valid. */
export function draftPlatform(
  release: PlatformRelease,
  { body, quoteDigest, gpus }: ObservedMachine,
  layout: Platform["layout"],
): Uint8Array {
  const predicate: Platform = {
    ...release,
    shape: { ...release.shape, gpus: gpus.length },
    provenance: null,
    firmware: null,
    mrtd: body.mrtd,
    pageAddOrder: "observed",
    rtmr0: body.rtmr0,
    rtmr0From: `TDX quote, SHA-256 ${quoteDigest}`,
    rtmr0Derivation: "observed",
    layout,
    events: null,
    acpi: null,
    tdAttributes: body.tdAttributes,
    xfam: body.xfam,
  };
  return formatStatement(platform.kind, predicate, [
    { name: "known-good TDX quote", digest: { sha256: quoteDigest } },
  ]);
}
