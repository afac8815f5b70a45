// Reads and writes what a mirror remembers beside the copy itself, `mirror.json`: the pin that it was begun with, the newest trust root that
// follows from it, and what it still lacks.
import { readAs } from "../protocol/encoding/shape.ts";
import { utf8 } from "../protocol/encoding/text.ts";
import { type Envelope, envelopeFromJson, envelopeToJson } from "../protocol/envelope/dsse.ts";
import { parseJson } from "../protocol/envelope/parse-json.ts";
import { MalformedError } from "../protocol/errors.ts";
import type { TrustPin } from "../verifier/bundle/trust-pin.ts";
import { mirrorState } from "./mirror-state.shape.ts";

const MAX_STATE_BYTES = 16 * 1024 * 1024;

export interface MirrorState {
  readonly pin: TrustPin;
  /** The newest trust root: it says who signs the checkpoint. */
  readonly trustRoot: Envelope;
  /** Hex SHA-256 of attachments that entries name and the log did not have. */
  readonly missing: readonly string[];
}

/** @throws MalformedError. */
export function parseMirrorState(bytes: Uint8Array): MirrorState {
  const { pin, trustRoot, missing } = readAs(mirrorState, parseJson(bytes, MAX_STATE_BYTES), "mirror state");
  const envelope = envelopeFromJson(trustRoot);
  if (envelope.statement.kind !== "trust-root")
    throw new MalformedError("mirror state", "it is no trust root", "/trustRoot");
  return { pin, trustRoot: envelope, missing };
}

export function formatMirrorState({ pin, trustRoot, missing }: MirrorState): Uint8Array {
  const { origin, version, digest } = pin;
  const json = {
    format: "touchstone-mirror/v1",
    pin: { origin, version, digest },
    trustRoot: envelopeToJson(trustRoot),
    missing,
  };
  return utf8(`${JSON.stringify(json, null, 2)}\n`);
}
