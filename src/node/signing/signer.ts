// Defines what signs for a person, a pipeline or a log: it knows its public key and gives 64 bytes, wherever the private half is kept.

export interface Signer {
  /** Hex SHA-256 of the SPKI DER. */
  readonly keyId: string;
  /** Base64 of the SPKI DER, as a trust root lists it. */
  readonly spki: string;
  /** 64 bytes: Ed25519, or ECDSA P-256 over SHA-256 as r‖s. It may take as long as a person takes to confirm. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}
