// Verifies signatures in a thread of its own.
import { verifyAtOnce } from "../../node/ed25519.ts";
import { answerCalls } from "../../node/thread.ts";
import type { PublicKey } from "../../protocol/cryptography/signature.ts";
import { ByteReader } from "../../protocol/encoding/bytes.ts";

/** Signatures to verify. */
export interface VerifyCall {
  readonly keys: readonly PublicKey[];
  /** All messages, one after the other, then all signatures. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Bytes of each message. */
  readonly messages: readonly number[];
  readonly signatures: readonly Signed[];
}

export interface Signed {
  /** Which key and message are its own. */
  readonly key: number;
  readonly message: number;
  /** Bytes of the signature. */
  readonly length: number;
}

answerCalls(async ({ keys, bytes, messages, signatures }: VerifyCall): Promise<boolean[]> => {
  const reader = new ByteReader(bytes, "signatures");
  const read = messages.map((length) => reader.take(length, "message"));
  const answers: boolean[] = [];
  for (const { key, message, length } of signatures) {
    const signature = reader.take(length, "signature");
    answers.push(await verifyAtOnce(keys[key] as PublicKey, read[message] as Uint8Array, signature));
  }
  return answers;
});
