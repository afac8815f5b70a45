// Exports touchstone/verifier/lookup: what a relying party needs to ask which entries of a log have a term, and to believe "none".
export { type FetchLookupOptions, fetchLookup } from "./fetch-lookup.ts";
export {
  type LookupCode,
  type VerifiedLookup,
  type VerifyLookupOptions,
  verifyLookup,
} from "./verify-lookup.ts";
