// Writes a verdict as an in-toto Simple Verification Result, predicate svr/v0.2: a statement about the evidence, which its verifier signs
// as any other statement.
import { utf8 } from "../protocol/encoding/text.ts";
import { canonicalize } from "../protocol/envelope/canonical-json.ts";
import type { JudgedMachine } from "./judged-machine.ts";

const PREDICATE_TYPE = "https://in-toto.io/attestation/svr/v0.2";

/** @param verifier a URI of who judged. @returns the statement in its RFC 8785 form. */
export function writeSvr({ verdict, evidence, policy }: JudgedMachine, verifier: string): Uint8Array {
  const { profile, asOf } = verdict;
  const trusted = verdict.verdict === "trusted";
  return utf8(
    canonicalize({
      _type: "https://in-toto.io/Statement/v1",
      subject: [{ name: "evidence.json", digest: { sha256: evidence } }],
      predicateType: PREDICATE_TYPE,
      predicate: {
        verifier: { id: verifier, policies: policy === null ? [] : [describePolicy(policy)] },
        timeCreated: asOf,
        properties: trusted
          ? ["TOUCHSTONE_TRUSTED", `TOUCHSTONE_PROFILE_${profile}`]
          : ["TOUCHSTONE_REJECTED"],
      },
    }),
  );
}

function describePolicy({ label, origin, index, digest }: NonNullable<JudgedMachine["policy"]>) {
  return {
    name: `touchstone:${label}`,
    uri: `https://${origin}/v1/entries/${index}`,
    digest: { sha256: digest },
  };
}
