// Exports touchstone/protocol: the formats that every party must agree on, byte for byte. Runs in browsers and on Node.
export { formatPolicyBundle, type PolicyBundle, parsePolicyBundle } from "./bundle/policy-bundle.ts";
export type { PolicyCode, VerificationCode } from "./codes.ts";
export { parseReceipt, type Receipt } from "./cose/receipt.ts";
export { KeyRing } from "./cryptography/key-ring.ts";
export {
  encodePublicKeyPem,
  importPublicKey,
  keyIdOf,
  type PublicKey,
  verifySignature,
} from "./cryptography/signature.ts";
export { type Kind, PREDICATES, type Predicate } from "./entry/kinds.ts";
export { describeReference, type Reference } from "./entry/reference.ts";
export { type AdoptedEnvelope, adoptEnvelope } from "./envelope/adopt-envelope.ts";
export { canonicalize } from "./envelope/canonical-json.ts";
export {
  type Envelope,
  envelopeToJson,
  makeEnvelope,
  parseEnvelope,
  parseLeaf,
  preAuthEncoding,
  type VerifiedEnvelope,
  verifyEnvelope,
} from "./envelope/dsse.ts";
export { parseJson } from "./envelope/parse-json.ts";
export { formatStatement, parseStatement, type Statement, type StatementOf } from "./envelope/statement.ts";
export { MalformedError, PolicyError, VerificationError } from "./errors.ts";
export { type LookupAnswer, parseLookupAnswer } from "./lookup/lookup-answer.ts";
export { type LookupClaim, type LookupProof, verifyLookupProof } from "./lookup/prefix-tree.ts";
export { type Addition, addToTree, type PageStore, type Proven, proveKey } from "./lookup/stored-tree.ts";
export { keyOfTerm, parseTerm, type Term, termsOf } from "./lookup/term.ts";
export { proveConsistency, verifyConsistency } from "./merkle/consistency.ts";
export { hashChildren, hashLeaf, rootOf } from "./merkle/hash.ts";
export { proveInclusion, verifyInclusion } from "./merkle/inclusion.ts";
export { entriesPath, parseEntryBundle, tilePath } from "./merkle/tile.ts";
export { type Checkpoint, formatCheckpoint, parseCheckpoint } from "./note/checkpoint.ts";
export { verifyCosignedCheckpoint } from "./note/cosigned-checkpoint.ts";
export { parseTlogPolicy, type TlogPolicy } from "./note/tlog-policy.ts";
export { parseTlogProof, type TlogProof, verifyTlogProof } from "./note/tlog-proof.ts";
export { tokenIdOf } from "./registration/identities.ts";
export { applyEntry, type InForce, NOTHING_IN_FORCE, summarise } from "./registration/in-force.ts";
export { type LogView, type Registration, register } from "./registration/register.ts";
