// Exports touchstone/verifier: everything that a relying party needs, in a browser or on Node. What judges evidence is loaded when it is
// needed; whoever only checks bundles imports touchstone/verifier/bundle, which is a part of this.
export { APPRAISAL_CHECKS } from "./appraisal/appraisal-checks.ts";
export {
  type AppraiseOptions,
  appraise,
  appraiseEvidence,
  prepareAppraisal,
} from "./appraisal/appraise.ts";
export type { Channel } from "./appraisal/channel-binding.ts";
export { explain, reasonOf, type Verdict } from "./appraisal/verdict.ts";
export * from "./bundle/index.ts";
export type { Check, Outcome } from "./check-list.ts";
export { type Evidence, type EvidenceDocument, type GpuClaims, parseEvidence } from "./evidence.ts";
export { bindingReportData, gpuRequestNonce } from "./ra-tls/own-binding.ts";
export { VerifiedCache } from "./verified-cache.ts";
