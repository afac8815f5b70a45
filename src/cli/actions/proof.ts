// Verifies an inclusion proof offline.
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { describeReference } from "../../protocol/entry/reference.ts";
import { parseEnvelope } from "../../protocol/envelope/dsse.ts";
import { hashLeaf } from "../../protocol/merkle/hash.ts";
import { parseTlogPolicy } from "../../protocol/note/tlog-policy.ts";
import { parseTlogProof, verifyTlogProof } from "../../protocol/note/tlog-proof.ts";
import { parseTrustFile } from "../../verifier/bundle/trust-pin.ts";
import { type CliContext, judging, show } from "../context.ts";
import { readJudged, readOwn } from "../files.ts";

export async function runVerify(
  envelopeFile: string,
  proofFile: string,
  options: { trust: string; json?: boolean },
  context: CliContext,
): Promise<void> {
  const policy = parseTlogPolicy(readOwn(options.trust, parseTrustFile).root.logPolicy);
  const envelope = readJudged(envelopeFile, parseEnvelope);
  const proof = readJudged(proofFile, parseTlogProof);
  const leafHash = hashLeaf(envelope.leaf);
  const { checkpoint, cosignatures } = await judging(() => verifyTlogProof(proof, leafHash, policy));
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
