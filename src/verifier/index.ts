// Exports touchstone/verifier: everything that a relying party needs, in a browser or on Node. A page that only checks bundles pays for no
// more: appraisal and its certificate code are dropped by any bundler that shakes trees.
export { MalformedError, PolicyError, VerificationError } from "../protocol/errors.ts";
export { APPRAISAL_CHECKS, type AppraiseOptions, appraise, appraiseEvidence } from "./appraisal/appraise.ts";
export type { Channel } from "./appraisal/channel-binding.ts";
export { explain, reasonOf, type Verdict } from "./appraisal/verdict.ts";
export { type BrokenCode, type BundleCode, type NotAcceptableCode, stepOf } from "./bundle/bundle-error.ts";
export {
  type FetchPolicyOptions,
  fetchBundle,
  fetchPolicy,
} from "./bundle/fetch-policy.ts";
export { LogForkedError } from "./bundle/forked-log.ts";
export { mergeStates } from "./bundle/merge-states.ts";
export { formatState, parseState, type RememberedState } from "./bundle/remembered-state.ts";
export { StateChangedError } from "./bundle/state-changed.ts";
export { createBrowserStore, createMemoryStore, type Locks, type StateStore } from "./bundle/state-store.ts";
export {
  parseTrustFile,
  type TrustAnchor,
  type TrustPin,
  type VerifyBundleOptions,
} from "./bundle/trust-pin.ts";
export { type VerifiedBundle, type VerifiedEntry, verifyBundle } from "./bundle/verify-bundle.ts";
export type { Check, Outcome } from "./check-list.ts";
export { type Evidence, type EvidenceDocument, type GpuClaims, parseEvidence } from "./evidence.ts";
export type { Deadline } from "./fetch-answer.ts";
export { bindingReportData, gpuRequestNonce } from "./ra-tls/binding.ts";
export { RefusedError, UnreachableError } from "./service-errors.ts";
export { VerifiedCache } from "./verified-cache.ts";
