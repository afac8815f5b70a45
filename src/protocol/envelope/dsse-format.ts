// Holds what DSSE envelopes of the log are limited to (docs/formats.md, "Entry").

export const PAYLOAD_TYPE = "application/vnd.in-toto+json";
/** The largest entry that a tlog-tiles entry bundle can hold. */
export const MAX_LEAF_BYTES = 65_535;
export const MAX_SIGNATURES = 32;
/** Longest token of a provider; those of GitHub have less than 2 KiB. */
export const MAX_TOKEN_BYTES = 8192;
