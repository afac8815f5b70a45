// Exports touchstone/verifier/receipt: what a relying party needs that is given a receipt (RFC 9942), and no bundle.
export { RECEIPT_CANNOT_SAY, type VerifiedReceipt, verifyReceipt } from "./verify-receipt.ts";
