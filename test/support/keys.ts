// Makes the keys that sign envelopes, and gives each role of the small log its own.
// Keys follow from their names, so that a failing test fails again.
import { createHash } from "node:crypto";
import type { CoseSigner } from "../../src/protocol/cose/cose-sign1.ts";
import { ed25519Spki, keyIdOf } from "../../src/protocol/cryptography/signature.ts";
import { encodeBase64 } from "../../src/protocol/encoding/base64.ts";
import { createPrivateKey, ED25519 } from "../../src/protocol/note/key.ts";

/** The seed of a key that follows from its name. */
export const seedOf = (name: string) =>
  new Uint8Array(createHash("sha256").update(`test key ${name}`).digest());

/** An Ed25519 key that signs envelopes. */
export interface TestKey {
  readonly keyId: string;
  readonly spki: Uint8Array;
  sign(message: Uint8Array): Promise<Uint8Array>;
}

export async function testKey(name: string): Promise<TestKey> {
  const { verifierKey, signBytes } = await createPrivateKey("unused", ED25519, seedOf(name));
  const spki = ed25519Spki(verifierKey.publicKey);
  return { keyId: keyIdOf(spki), spki, sign: signBytes };
}

/** The same key as receipts and views are signed with it. */
export function coseSigner({ keyId, spki, sign }: TestKey): CoseSigner {
  return { keyId, spki: encodeBase64(spki), sign };
}

/** The keys of the small world: two of every role, so that thresholds and strangers can be tried. */
export interface TestKeys {
  readonly root: readonly [TestKey, TestKey];
  readonly publisher: TestKey;
  readonly otherPublisher: TestKey;
  readonly policy: TestKey;
  readonly revocation: TestKey;
  readonly status: TestKey;
}

export async function testKeys(): Promise<TestKeys> {
  const [root0, root1, publisher, otherPublisher, policy, revocation, status] = await Promise.all(
    ["root 0", "root 1", "publisher", "other publisher", "policy", "revocation", "status"].map(testKey),
  );
  return {
    root: [root0!, root1!],
    publisher: publisher!,
    otherPublisher: otherPublisher!,
    policy: policy!,
    revocation: revocation!,
    status: status!,
  };
}
