// touchstone proof: checks that an envelope is in a log, by the tlog-proof file that `publish` wrote beside it.
import type { Command } from "commander";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { describeReference } from "../../protocol/entry/reference.ts";
import { parseEnvelope } from "../../protocol/envelope/dsse.ts";
import { hashLeaf } from "../../protocol/merkle/hash.ts";
import { parseTlogPolicy, type TlogPolicy } from "../../protocol/note/tlog-policy.ts";
import { parseTlogProof, verifyTlogProof } from "../../protocol/note/tlog-proof.ts";
import { parseTrustFile } from "../../verifier/bundle/trust-pin.ts";
import { type CliContext, judging, show } from "../context.ts";
import { readInput, readOwn } from "../files.ts";

export function addProof(program: Command, context: CliContext): void {
  program
    .command("proof")
    .description("inclusion proofs")
    .command("verify <envelope> <proof>")
    .description("verify offline that the envelope is in the log that the trust root names")
    .requiredOption("--trust <file>", "trust-root.json of the log: its key, witnesses and quorum")
    .addHelpText(
      "after",
      "\nExample:\n  touchstone proof verify os-image.dsse.json os-image.tlog-proof --trust trust-root.json",
    )
    .action(async (envelopeFile: string, proofFile: string, options: { trust: string; json?: boolean }) => {
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
    });
}

async function verifyInclusion(envelopeBytes: Uint8Array, proofBytes: Uint8Array, policy: TlogPolicy) {
  const envelope = parseEnvelope(envelopeBytes);
  const proof = parseTlogProof(proofBytes);
  const leafHash = hashLeaf(envelope.leaf);
  return { envelope, proof, leafHash, ...(await verifyTlogProof(proof, leafHash, policy)) };
}
