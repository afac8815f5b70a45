// Lists why a certificate or CRL is refused.

/** Codes for what is forged, revoked, or used by somebody who may not use it. */
export type X509Code =
  /** Of a certificate and its issuer: path.ts. */
  | "issuer"
  | "ca"
  | "usage"
  | "signature"
  /** Of a CRL and its issuer, and of a certificate that is on it: crl.ts. */
  | "crl-issuer"
  | "crl-usage"
  | "crl-signature"
  | "revoked";

/** The code for everything that has expired or is not valid yet: validity.ts. */
export type ValidityCode = "validity-window";
