// Lists why a Merkle proof is refused.
export type MerkleCode = "inclusion-proof" | "consistency-proof";
