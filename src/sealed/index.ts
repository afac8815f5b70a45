// Exports touchstone/sealed: a fetch whose requests only an appraised machine can read, for browsers and for whoever is behind a relay, a
// CDN or something else that ends TLS.
export { createSealedFetch, type SealedFetchOptions } from "./create-sealed-fetch.ts";
export { GateError } from "./gate-error.ts";
