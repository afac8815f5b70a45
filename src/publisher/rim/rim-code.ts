// Lists why a RIM file's signature or signer is refused.
export type RimCode = "rim-chain" | "xml-signature";
