// Lists why a TDX quote, its collateral or an event log is refused.
export type TdxCode =
  /** Header and signatures of the quote: verify-quote.ts, chain-of-trust.ts. */
  | "tee-type"
  | "key-type"
  | "qe-vendor"
  | "quote-signature"
  /** Intel's certificates and documents: pki.ts, chain-of-trust.ts. */
  | "name"
  | "root"
  | "document-signature"
  /** The quoting enclave: qe.ts, chain-of-trust.ts. */
  | "qe-report-signature"
  | "key-binding"
  | "qe-identity"
  | "qe-debug"
  /** The platform's level: tcb.ts, verify-quote.ts. */
  | "tdx-module"
  | "tcb-level"
  /** Measured events: event-log.ts, and who compares with a log. */
  | "event-log"
  | "runtime-event";
