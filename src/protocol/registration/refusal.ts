// Lists why an entry is not registered. The list is closed: the service maps each code to a status, auditors and tests name them.
import { PolicyError } from "../errors.ts";

export type RefusalCode =
  | "attachment-missing"
  | "below-svn-floor"
  | "identity-taken"
  | "key-revoked"
  | "lifetime-too-long"
  | "log-closed"
  | "not-authorised"
  | "profile-incoherent"
  | "reference-missing"
  | "reference-revoked"
  | "reference-wrong"
  | "revocation-target"
  | "status-capacity"
  | "status-not-true"
  | "successor-not-true"
  | "trust-root-not-first"
  | "trust-root-not-usable"
  | "wrong-origin"
  | "wrong-predecessor";

export function refuse(code: RefusalCode, message: string): never {
  throw new PolicyError<RefusalCode>(code, message);
}
