// Gathers the codes of everything that this layer refuses, for programs that tell refusals apart.
import type { EnvelopeCode } from "./envelope/dsse.ts";
import type { MerkleCode } from "./merkle/merkle-code.ts";
import type { NoteCode, NotePolicyCode } from "./note/note-code.ts";
import type { RefusalCode } from "./registration/refusal.ts";

/** Codes of a `VerificationError`: a signature or proof does not hold. */
export type VerificationCode = EnvelopeCode | MerkleCode | NoteCode;

/** Codes of a `PolicyError`: authentic, and not acceptable now. */
export type PolicyCode = NotePolicyCode | RefusalCode;
