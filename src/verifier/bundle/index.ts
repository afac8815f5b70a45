// Exports touchstone/verifier/bundle: the part of touchstone/verifier that fetches, verifies and remembers bundles. Bundlers that split, esbuild
// among them, put beside it what it shares with the appraisal where somebody imports it from there.
export { MalformedError, PolicyError, VerificationError } from "../../protocol/errors.ts";
export type { Deadline } from "../fetch-answer.ts";
export { RefusedError, UnreachableError } from "../service-errors.ts";
export { type BrokenCode, type BundleCode, type NotAcceptableCode, stepOf } from "./bundle-error.ts";
export { type FetchPolicyOptions, fetchBundle, fetchPolicy } from "./fetch-policy.ts";
export { LogForkedError } from "./forked-log.ts";
export { mergeStates } from "./merge-states.ts";
export { formatState, parseState, type RememberedState } from "./remembered-state.ts";
export { StateChangedError } from "./state-changed.ts";
export { createBrowserStore, createMemoryStore, type Locks, type StateStore } from "./state-store.ts";
export { parseTrustFile, type TrustAnchor, type TrustPin, type VerifyBundleOptions } from "./trust-pin.ts";
export { type VerifiedBundle, type VerifiedEntry, verifyBundle } from "./verify-bundle.ts";
