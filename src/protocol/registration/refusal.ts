// Lists why an entry is not registered. The list is closed: the service maps each code to a status, auditors and tests name them.
import { PolicyError } from "../errors.ts";

export type RefusalCode =
  | "attachment-missing"
  | "below-svn-floor"
  | "identity-refused"
  | "identity-taken"
  | "key-revoked"
  | "lifetime-too-long"
  | "log-closed"
  | "not-authorised"
  | "profile-incoherent"
  | "recorded-at-wrong"
  | "reference-missing"
  | "reference-revoked"
  | "reference-wrong"
  | "revocation-target"
  | "status-capacity"
  | "status-not-true"
  | "successor-not-true"
  | "token-used"
  | "trust-root-not-first"
  | "trust-root-not-usable"
  | "wrong-origin"
  | "wrong-predecessor";

export function refuse(code: RefusalCode, message: string): never {
  throw new PolicyError<RefusalCode>(code, message);
}
