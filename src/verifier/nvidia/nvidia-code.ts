// Lists why a GPU's report, chain or revocation answers are refused. What is wrong with a single certificate is an X509Code.
export type NvidiaCode =
  | "gpu-chain"
  | "gpu-architecture"
  | "gpu-signature"
  | "gpu-fwid"
  /** A certificate is not stated to be good: revocation.ts. */
  | "revocation"
  /** Nobody who may answered: ocsp.ts. */
  | "ocsp";
