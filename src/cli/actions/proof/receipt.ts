// Verifies an entry's receipt offline, and says what it does not show.
import { encodeHex } from "../../../protocol/encoding/hex.ts";
import { describeReference } from "../../../protocol/entry/reference.ts";
import { parseEnvelope } from "../../../protocol/envelope/dsse.ts";
import { parseTrustFile } from "../../../verifier/bundle/trust-pin.ts";
import { RECEIPT_CANNOT_SAY, verifyReceipt } from "../../../verifier/receipt/verify-receipt.ts";
import { type CliContext, judging, show } from "../../context.ts";
import { readInput, readJudged, readOwn } from "../../files.ts";

export async function runVerifyReceipt(
  envelopeFile: string,
  receiptFile: string,
  options: { trust: string; json?: boolean },
  context: CliContext,
): Promise<void> {
  const { root } = readOwn(options.trust, parseTrustFile);
  const { statement, leaf } = readJudged(envelopeFile, parseEnvelope);
  const receipt = readInput(receiptFile);
  const { proof, key, root: treeRoot } = await judging(() => verifyReceipt(receipt, leaf, root));
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
      keyId: key.keyId,
      notShown: RECEIPT_CANNOT_SAY,
    },
    [
      `verified: ${label} is entry ${index} of ${root.origin} at size ${proof.size}, says receipt key ${key.keyId}`,
      ...RECEIPT_CANNOT_SAY.map((sentence) => `not in it: ${sentence}`),
    ],
  );
}
