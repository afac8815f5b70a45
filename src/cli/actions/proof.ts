// Verifies an inclusion proof offline.
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { describeReference } from "../../protocol/entry/reference.ts";
import { parseEnvelope } from "../../protocol/envelope/dsse.ts";
import { hashLeaf } from "../../protocol/merkle/hash.ts";
import { parseTlogPolicy, type TlogPolicy } from "../../protocol/note/tlog-policy.ts";
import { parseTlogProof, verifyTlogProof } from "../../protocol/note/tlog-proof.ts";
import { parseTrustFile } from "../../verifier/bundle/trust-pin.ts";
import { type CliContext, judging, show } from "../context.ts";
import { readInput, readOwn } from "../files.ts";

export async function runVerify(
  envelopeFile: string,
  proofFile: string,
  options: { trust: string; json?: boolean },
  context: CliContext,
): Promise<void> {
  const policy = parseTlogPolicy(readOwn(options.trust, parseTrustFile).root.logPolicy);
  const files = [readInput(envelopeFile), readInput(proofFile)] as const;
  const { envelope, proof, leafHash, checkpoint, cosignatures } = await judging(() =>
    verifyInclusion(...files, policy),
  );
  const label = describeReference(envelope.statement);
  show(
    context,
    options,
    {
      verified: true,
      entry: label,
      index: proof.index,
      origin: checkpoint.origin,
      size: checkpoint.size,
      leafHash: encodeHex(leafHash),
    },
    [
      `verified: ${label} is entry ${proof.index} of ${checkpoint.origin} at size ${checkpoint.size}`,
      ...cosignatures.map(
        ({ name, timestamp }) => `  cosigned by ${name} at ${new Date(timestamp * 1000).toISOString()}`,
      ),
    ],
  );
}

async function verifyInclusion(envelopeBytes: Uint8Array, proofBytes: Uint8Array, policy: TlogPolicy) {
  const envelope = parseEnvelope(envelopeBytes);
  const proof = parseTlogProof(proofBytes);
  const leafHash = hashLeaf(envelope.leaf);
  return { envelope, proof, leafHash, ...(await verifyTlogProof(proof, leafHash, policy)) };
}
