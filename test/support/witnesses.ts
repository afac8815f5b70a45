// Makes the keys of the log and of its witnesses, and the tlog-policy that names them.
import {
  COSIGNATURE_ED25519,
  createPrivateKey,
  ED25519,
  formatVerifierKey,
  type NotePrivateKey,
} from "../../src/protocol/note/key.ts";
import { seedOf } from "./keys.ts";

export const ORIGIN = "log.example/touchstone";

/** The log's key (type 0x01), named after the origin. */
export function logKey(origin: string = ORIGIN): Promise<NotePrivateKey> {
  return createPrivateKey(origin, ED25519, seedOf(`log ${origin}`));
}

/** A witness' key (type 0x04). */
export function witnessKey(name: string): Promise<NotePrivateKey> {
  return createPrivateKey(name, COSIGNATURE_ED25519, seedOf(`witness ${name}`));
}

/** A tlog-policy with the log's key and witnesses of which `threshold` must cosign. */
export function tlogPolicy(
  log: NotePrivateKey,
  witnesses: readonly NotePrivateKey[],
  threshold = witnesses.length,
): string {
  const names = witnesses.map((_, i) => `w${i}`);
  return [
    `log ${formatVerifierKey(log.verifierKey)}`,
    ...witnesses.map(({ verifierKey }, i) => `witness w${i} ${formatVerifierKey(verifierKey)}`),
    `group all-witnesses ${threshold} ${names.join(" ")}`,
    "quorum all-witnesses",
    "",
  ].join("\n");
}
