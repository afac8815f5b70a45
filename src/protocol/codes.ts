// Gathers the codes of everything that this layer refuses, for programs that tell refusals apart.
import type { ReceiptCode } from "./cose/receipt.ts";
import type { EnvelopeCode } from "./envelope/dsse.ts";
import type { ConfirmationCode } from "./identity/confirmation.ts";
import type { LookupProofCode } from "./lookup/prefix-tree.ts";
import type { MerkleCode } from "./merkle/merkle-code.ts";
import type { NoteCode, NotePolicyCode } from "./note/note-code.ts";
import type { DocumentTimeCode } from "./registration/document-times.ts";
import type { RefusalCode } from "./registration/refusal.ts";

/**
 * Codes of a `VerificationError`: a signature or proof does not hold.
 * @example
 * ```ts
 * import { type VerificationCode, VerificationError } from "touchstone/protocol";
 * const codeOf = (error: VerificationError<VerificationCode>): VerificationCode => error.code;
 * ```
 */
export type VerificationCode = EnvelopeCode | LookupProofCode | MerkleCode | NoteCode | ReceiptCode;

/**
 * Codes of a `PolicyError`: authentic, and not acceptable now.
 * @example
 * ```ts
 * import { type PolicyCode, PolicyError } from "touchstone/protocol";
 * const mayRenew = (error: PolicyError<PolicyCode>): boolean => error.code === "checkpoint-stale";
 * ```
 */
export type PolicyCode = NotePolicyCode | RefusalCode | DocumentTimeCode | ConfirmationCode;
