// Verifies an entry's receipt offline, and says what it does not show.
import { encodeHex } from "../../../protocol/encoding/hex.ts";
import { describeReference } from "../../../protocol/entry/reference.ts";
import { parseEnvelope } from "../../../protocol/envelope/dsse.ts";
import { parseTrustFile } from "../../../verifier/bundle/trust-pin.ts";
import { verifyReceipt } from "../../../verifier/receipt.ts";
import { type CliContext, judging, show } from "../../context.ts";
import { readInput, readJudged, readOwn } from "../../files.ts";

/** As docs/interop.md lists it. */
const NOT_SHOWN = [
  "that a witness has seen this tree: the log's operator alone signed it, and may have shown others another one",
  "when: a receipt has no time, and learns of no revocation. Fetch a bundle, or a checkpoint, for that",
  "that the pinned trust root was the one in force at this size: it lists the key, which is what was looked at",
];

export async function runVerifyReceipt(
  envelopeFile: string,
  receiptFile: string,
  options: { trust: string; json?: boolean },
  context: CliContext,
): Promise<void> {
  const { root } = readOwn(options.trust, parseTrustFile);
  const { statement, leaf } = readJudged(envelopeFile, parseEnvelope);
  const receipt = readInput(receiptFile);
  const { proof, keyId, root: treeRoot } = await judging(() => verifyReceipt(receipt, leaf, root));
  const label = describeReference(statement);
  const index = proof.kind === "inclusion" ? proof.index : null;
  show(
    context,
    options,
    {
      verified: true,
      entry: label,
      index,
      origin: root.origin,
      size: proof.size,
      root: encodeHex(treeRoot),
      keyId,
      notShown: NOT_SHOWN,
    },
    [
      `verified: ${label} is entry ${index} of ${root.origin} at size ${proof.size}, says receipt key ${keyId}`,
      ...NOT_SHOWN.map((sentence) => `not shown: ${sentence}`),
    ],
  );
}
