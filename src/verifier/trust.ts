// What a verifier starts from: one trust root of one log, by digest. Everything else is authenticated from it.
import * as z from "zod";
import { positive, sha256, text } from "../protocol/entry/fields.ts";
import { parseJson } from "../protocol/envelope/parse-json.ts";
import { MalformedError } from "../protocol/errors.ts";
import type { RememberedState } from "./state.ts";

const trustPin = z.strictObject({
  origin: text(255).describe("Origin of the log"),
  version: positive.describe("Version of the pinned trust root"),
  digest: sha256.describe("SHA-256 of its DSSE payload"),
});

/** The pin that `touchstone init` writes to trust-root.json, and that a verifier ships with its program. */
export type TrustPin = z.infer<typeof trustPin>;

/** @throws MalformedError */
export function parseTrustPin(bytes: Uint8Array | string): TrustPin {
  const result = trustPin.safeParse(parseJson(bytes, 4096));
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new MalformedError("trust pin", issue?.message ?? "not valid", `/${issue?.path.join("/") ?? ""}`);
}

export function formatTrustPin({ origin, version, digest }: TrustPin): string {
  return `${JSON.stringify({ origin, version, digest }, null, 2)}\n`;
}

/** Everything that verification depends on beside the bundle itself. */
export interface VerifyBundleOptions {
  readonly pin: TrustPin;
  /** The time at which everything must be valid. */
  readonly now: Date;
  /** What was remembered of this log, or null on the first visit. */
  readonly remembered: RememberedState | null;
}
