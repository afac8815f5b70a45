// Answers a query of CoSERV (draft-ietf-rats-coserv-07 §4.4) with the reference values of the policies in force: collected, as the CoRIMs
// that they stand in, or both.

import { type Cbor, encodeCbor, map } from "../protocol/cose/cbor.ts";
import { type CoseSigner, encodeCoseSign1, HEADER, signCose } from "../protocol/cose/cose-sign1.ts";
import { decodeHex, encodeHex } from "../protocol/encoding/hex.ts";
import { dateTime, taggedBytes } from "./cbor-tags.ts";
import {
  CORIM_MEDIA_TYPE,
  CORIM_PROFILE,
  classOf,
  referenceTriples,
  SIGNED_CORIM_MEDIA_TYPE,
  signCorim,
  writeCorim,
} from "./corim.ts";
import type { ClassSelector, CoservQuery } from "./coserv-query.ts";
import type { PolicyInForce } from "./policy-in-force.ts";
import type { PolicyView } from "./policy-view.ts";

export const COSERV_MEDIA_TYPE = "application/coserv+cbor";
export const SIGNED_COSERV_MEDIA_TYPE = "application/coserv+cose";

/** It is asked over HTTP alone, so it is no export; the rest of it is said as of every view. */
export const coserv: Omit<PolicyView, "render"> = {
  format: "coserv",
  revision: "draft-ietf-rats-coserv-07",
  mediaType: COSERV_MEDIA_TYPE,
  holds: "union",
  cannotSay: [
    "Which policy: a class is answered with the values of every policy in force, so that who asks for a TDX guest accepts what any of them accepts. Ask a log whose policies you all accept, or take the source and read the CoRIM of yours.",
    "That the tuple is a whole, and everything else that a CoRIM cannot say.",
    "That nothing is missing: an empty list is no proof that the log has nothing.",
  ],
};

/** Members of the maps of a result. */
const COSERV = { profile: 0, query: 1, results: 2 } as const;
const RESULTS = { referenceValues: 0, expiry: 10, sourceArtifacts: 11 } as const;
const QUAD = { authorities: 1, triple: 2 } as const;

/** A policy in force, and who says that it is. */
export interface VouchedPolicy {
  readonly policy: PolicyInForce;
  /** Hex ids of the keys that signed it. */
  readonly signers: readonly string[];
}

/** What the policies say of one class of environments. */
interface Environment {
  readonly vendor: string;
  readonly model: string;
  /** By their bytes: tuples of a policy have most of their values in common. */
  readonly quads: Map<string, Cbor>;
  readonly policies: Set<PolicyInForce>;
}

/** What every query is answered from. */
export interface Collection {
  readonly environments: readonly Environment[];
  /** RFC 3339: the first end of the status that says what is in force, and of the trust root by which it does. */
  readonly expires: string;
}

/** @param policies all that are in force, in the order in which they are to be answered. */
export function collectPolicies(policies: readonly VouchedPolicy[], expires: string): Collection {
  const environments = new Map<string, Environment>();
  for (const { policy, signers } of policies) {
    const authorities = signers.map((keyId) => taggedBytes(decodeHex(keyId)));
    for (const triple of policy.tuples.flatMap(referenceTriples)) {
      const named = classOf(triple);
      const key = JSON.stringify(named);
      const found = environments.get(key) ?? { ...named, quads: new Map(), policies: new Set() };
      const quad = map([QUAD.authorities, authorities], [QUAD.triple, triple]);
      found.quads.set(encodeHex(encodeCbor(quad)), quad);
      found.policies.add(policy);
      environments.set(key, found);
    }
  }
  return { environments: [...environments.values()], expires };
}

export interface CoservAnswer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** RFC 3339: until when it may be used, and kept by caches. */
  readonly expires: string;
}

/**
 * The query with its results, unsigned. Of a class that nobody states anything of, the list of values is empty.
 * @param signer signs the CoRIMs in it, where there is one; @param sign does so, and may have it at hand.
 */
export async function answerCoserv(
  { asked, classes, resultType }: CoservQuery,
  { environments, expires: end }: Collection,
  signer: CoseSigner | null,
  sign: typeof signCorim = signCorim,
): Promise<CoservAnswer> {
  const found = environments.filter((environment) => classes.some((one) => isOf(one, environment)));
  const policies = [...new Set(found.flatMap((environment) => [...environment.policies]))];
  const expires = [end, ...policies.map(({ notAfter }) => notAfter)].sort()[0] as string;
  const withSource = resultType !== "collected" && found.length > 0;
  const withValues = resultType !== "source" || !withSource;
  const results = map(
    [RESULTS.referenceValues, withValues ? found.flatMap(({ quads }) => [...quads.values()]) : undefined],
    [RESULTS.expiry, dateTime(expires)],
    [
      RESULTS.sourceArtifacts,
      withSource ? await Promise.all(policies.map(sourceOf(signer, sign))) : undefined,
    ],
  );
  const coserv = map([COSERV.profile, CORIM_PROFILE], [COSERV.query, asked], [COSERV.results, results]);
  return { bytes: encodeCbor(coserv), expires };
}

/** What a selector does not name matches anything; what of it no environment of ours has matches nothing. */
function isOf({ vendor, model, namesMore }: ClassSelector, environment: Environment): boolean {
  if (namesMore) return false;
  return (
    (vendor ?? environment.vendor) === environment.vendor &&
    (model ?? environment.model) === environment.model
  );
}

/** A Conceptual Message Wrapper (draft-ietf-rats-msg-wrap): media type and content. */
const sourceOf =
  (signer: CoseSigner | null, sign: typeof signCorim) =>
  async (policy: PolicyInForce): Promise<Cbor> =>
    signer === null
      ? [CORIM_MEDIA_TYPE, writeCorim(policy)]
      : [SIGNED_CORIM_MEDIA_TYPE, await sign(policy, signer)];

/** The draft's CDDL gives the content type label 2, which is `crit`; readers know it by its own label. */
export async function signCoserv(
  { bytes }: CoservAnswer,
  signer: CoseSigner,
): Promise<Uint8Array<ArrayBuffer>> {
  const signature = await signCose(signer, [[HEADER.contentType, COSERV_MEDIA_TYPE]], bytes);
  return encodeCoseSign1(signature, bytes);
}
