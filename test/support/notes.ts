// Keys with published seeds and signed checkpoints made from them. For tests only.
import { sha256 } from "../../src/protocol/cryptography/hash.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { type Checkpoint, formatCheckpoint } from "../../src/protocol/note/checkpoint.ts";
import { createCosigner } from "../../src/protocol/note/cosignature.ts";
import {
  COSIGNATURE_ED25519,
  createNoteSigner,
  createPrivateKey,
  ED25519,
  formatVerifierKey,
  type NotePrivateKey,
} from "../../src/protocol/note/key.ts";
import { signNote } from "../../src/protocol/note/signed-note.ts";

/** The seed is the SHA-256 of name and type, so that every run has the same keys. */
export function testKey(name: string, type: number): Promise<NotePrivateKey> {
  return createPrivateKey(name, type, sha256(utf8(`test seed ${name} ${type}`)));
}

export const logKey = (origin: string): Promise<NotePrivateKey> => testKey(origin, ED25519);
export const witnessKey = (name: string): Promise<NotePrivateKey> => testKey(name, COSIGNATURE_ED25519);

export const vkeyOf = (key: NotePrivateKey): string => formatVerifierKey(key.verifierKey);

/** A checkpoint signed by the log and cosigned by each witness at its time (POSIX seconds). */
export function signedCheckpoint(
  checkpoint: Checkpoint,
  log: NotePrivateKey,
  cosigners: ReadonlyArray<readonly [NotePrivateKey, number]> = [],
): Promise<string> {
  const signers = cosigners.map(([key, seconds]) => createCosigner(key, () => new Date(seconds * 1000)));
  return signNote(formatCheckpoint(checkpoint), [createNoteSigner(log), ...signers]);
}
