// Reads, signs and verifies signed notes: C2SP signed-note v1. A text that ends in a newline, a blank line, and a line for every signature.

import { decodeBase64, encodeBase64 } from "../encoding/base64.ts";
import { concatBytes } from "../encoding/bytes.ts";
import { decodeHex, encodeHex } from "../encoding/hex.ts";
import { decodeUtf8, utf8 } from "../encoding/text.ts";
import { MalformedError, VerificationError } from "../errors.ts";
import { isKeyName } from "./key-name.ts";
import type { NoteCode } from "./note-code.ts";

export const MAX_NOTE_BYTES = 1_000_000;
/** Signature lines of a note. The specification asks readers for at least 16 and a limit. */
const MAX_SIGNATURES = 100;

const FORMAT = "signed note";
// biome-ignore lint/suspicious/noControlCharactersInRegex: notes forbid exactly these.
const FORBIDDEN = /[\u0000-\u0009\u000b-\u001f\p{Surrogate}]/u;
const SIGNATURE_LINE = /^— ([^ ]+) ([A-Za-z0-9+/]+=*)$/u;
const KEY_ID_BYTES = 4;

/** One signature line. */
export interface NoteSignature {
  readonly name: string;
  /** 8 lower-case hex digits. */
  readonly keyId: string;
  /** What follows the key id: for type 0x01 the 64 bytes of Ed25519, for cosignatures a timestamp comes first. */
  readonly signature: Uint8Array;
}

/** A note that was read, with nothing verified. */
export interface SignedNote {
  /** What is signed; ends in a newline. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** A note with at least one good signature of a known key and no bad one. */
export interface OpenedNote {
  readonly text: string;
  readonly verified: readonly NoteSignature[];
  /** Lines of keys that the reader does not know: they prove nothing. */
  readonly unverified: readonly NoteSignature[];
}

/** Signs note texts. The key may live anywhere. */
export interface NoteSigner {
  readonly name: string;
  readonly keyId: string;
  readonly type: number;
  /** The signature bytes that follow the key id, over the UTF-8 of the note's text. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** Checks the signatures of one key. */
export interface NoteVerifier {
  readonly name: string;
  readonly keyId: string;
  /** Whether the bytes that follow the key id are a signature over the UTF-8 of the note's text. */
  verify(message: Uint8Array, signature: Uint8Array): Promise<boolean>;
}

/**
 * Reads a note without verifying anything. Lines that repeat another one to the letter are dropped.
 * @throws MalformedError on bad UTF-8, control characters, a signature line of any other form, none or more than 100 of them.
 */
export function parseNote(input: Uint8Array | string): SignedNote {
  if (input.length > MAX_NOTE_BYTES) throw new MalformedError(FORMAT, `longer than ${MAX_NOTE_BYTES} bytes`);
  const note = typeof input === "string" ? input : decodeUtf8(input);
  if (FORBIDDEN.test(note)) throw new MalformedError(FORMAT, "holds a control character or a lone surrogate");
  const split = note.lastIndexOf("\n\n");
  if (split < 0) throw new MalformedError(FORMAT, "no blank line in front of the signatures");
  if (!note.endsWith("\n")) throw new MalformedError(FORMAT, "does not end in a newline");
  const lines = note
    .slice(split + 2)
    .split("\n")
    .slice(0, -1);
  if (lines.length === 0) throw new MalformedError(FORMAT, "no signature");
  if (lines.length > MAX_SIGNATURES)
    throw new MalformedError(FORMAT, `more than ${MAX_SIGNATURES} signatures`);
  return { text: note.slice(0, split + 1), signatures: [...new Set(lines)].map(parseSignatureLine) };
}

/**
 * Reads one signature line, without its newline.
 * @throws MalformedError
 */
export function parseSignatureLine(line: string): NoteSignature {
  const [, name = "", base64 = ""] = SIGNATURE_LINE.exec(line) ?? [];
  if (!isKeyName(name)) throw new MalformedError(FORMAT, "expected a line '— <key name> <base64>'");
  const bytes = decodeBase64(base64);
  if (bytes.length <= KEY_ID_BYTES)
    throw new MalformedError(FORMAT, "a signature is shorter than its key id");
  return {
    name,
    keyId: encodeHex(bytes.subarray(0, KEY_ID_BYTES)),
    signature: bytes.subarray(KEY_ID_BYTES),
  };
}

/** One signature line, with its newline: what a witness answers. */
export function formatSignatureLine({ name, keyId, signature }: NoteSignature): string {
  return `— ${name} ${encodeBase64(concatBytes(decodeHex(keyId), signature))}\n`;
}

/**
 * Writes a note.
 * @throws MalformedError when text or signatures could not be read back.
 */
export function formatNote(note: SignedNote): string {
  assertNoteText(note.text);
  for (const { name, keyId } of note.signatures) {
    if (!isKeyName(name) || !/^[0-9a-f]{8}$/.test(keyId))
      throw new MalformedError(FORMAT, "bad key name or key id");
  }
  return `${note.text}\n${note.signatures.map(formatSignatureLine).join("")}`;
}

function assertNoteText(text: string): void {
  if (!text.endsWith("\n")) throw new MalformedError(FORMAT, "the text does not end in a newline");
  if (FORBIDDEN.test(text)) throw new MalformedError(FORMAT, "holds a control character or a lone surrogate");
}

/**
 * Signs a text. Signing a note again keeps its other signatures, replaces those of the same keys and puts the new ones last.
 * @param existing signatures to keep; only verified ones should be passed on.
 */
export async function signNote(
  text: string,
  signers: readonly NoteSigner[],
  existing: readonly NoteSignature[] = [],
): Promise<string> {
  assertNoteText(text);
  const message = utf8(text);
  const added = await Promise.all(
    signers.map(async (signer) => ({
      name: signer.name,
      keyId: signer.keyId,
      signature: await signer.sign(message),
    })),
  );
  const kept = existing.filter((old) => !added.some((signature) => isBy(signature, old)));
  return formatNote({ text, signatures: [...kept, ...added] });
}

/**
 * Reads a note and verifies every line of a known key. Lines of unknown keys are ignored, even where name or key id alone fits.
 * @throws MalformedError
 * @throws VerificationError `note-signature` when a known key's signature is wrong, `note-unsigned` when no known key signed,
 *   `note-key-ambiguous` when two verifiers share name and key id.
 */
export async function openNote(
  input: Uint8Array | string,
  verifiers: readonly NoteVerifier[],
): Promise<OpenedNote> {
  const { text, signatures } = parseNote(input);
  const message = utf8(text);
  const verified = signatures.filter((signature) => verifiers.some((key) => isBy(key, signature)));
  if (verified.length === 0) fail("note-unsigned", "no known key signed the note");
  await Promise.all(verified.map((signature) => verifyLine(message, signature, verifiers)));
  return { text, verified, unverified: signatures.filter((signature) => !verified.includes(signature)) };
}

async function verifyLine(
  message: Uint8Array,
  signature: NoteSignature,
  verifiers: readonly NoteVerifier[],
): Promise<void> {
  const label = `${signature.name}+${signature.keyId}`;
  const [verifier, other] = verifiers.filter((key) => isBy(key, signature));
  if (other !== undefined) fail("note-key-ambiguous", `two known keys are called ${label}`);
  if (!(await verifier?.verify(message, signature.signature))) {
    fail("note-signature", `the signature of ${label} is wrong`);
  }
}

function isBy(key: { name: string; keyId: string }, signature: { name: string; keyId: string }): boolean {
  return key.name === signature.name && key.keyId === signature.keyId;
}

function fail(code: NoteCode, message: string): never {
  throw new VerificationError<NoteCode>(code, message);
}
