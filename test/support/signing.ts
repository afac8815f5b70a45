// Signs statements with the keys of the small log.
import type { Kind, Predicate } from "../../src/protocol/entry/kinds.ts";
import type { Reference } from "../../src/protocol/entry/reference.ts";
import { canonicalize } from "../../src/protocol/envelope/canonical-json.ts";
import { type Envelope, makeEnvelope, preAuthEncoding } from "../../src/protocol/envelope/dsse.ts";
import { formatStatement } from "../../src/protocol/envelope/statement.ts";
import type { TestKey, TestKeys } from "./keys.ts";
import { platformPredicate, sha256Of } from "./release-predicates.ts";

/** Signs a statement. Release kinds get one subject that follows from their name and version. */
export async function signStatement<K extends Kind>(
  kind: K,
  predicate: Predicate<K>,
  signers: readonly TestKey[],
): Promise<Envelope> {
  const subject = [
    { name: `${predicate.name}.bin`, digest: { sha256: sha256Of(`artefact of ${canonicalize(predicate)}`) } },
  ];
  const payload = formatStatement(kind, predicate, subject);
  const message = preAuthEncoding(payload);
  const signatures = signers.map(async ({ keyId, sign }) => ({ keyId, signature: await sign(message) }));
  return makeEnvelope(payload, await Promise.all(signatures));
}

/** The reference by which another statement names this one. */
export function referenceOf<K extends Kind>(
  envelope: Pick<Envelope, "statement" | "payloadDigest">,
): Reference & { kind: K } {
  const { kind, name, version } = envelope.statement;
  return { kind: kind as K, name, version, digest: envelope.payloadDigest };
}

/** Many small entries: platforms of distinct names. */
export function signPlatforms(keys: TestKeys, prefix: string, count: number): Promise<Envelope[]> {
  return Promise.all(
    Array.from({ length: count }, (_, i) =>
      signStatement("platform", platformPredicate(`${prefix}-${i}`), [keys.publisher]),
    ),
  );
}
