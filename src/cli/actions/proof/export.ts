// Fetches an entry's proof, verifies it, and writes it: as a C2SP tlog-proof, or as a receipt.
import { encodePublicKeyPem } from "../../../protocol/cryptography/signature.ts";
import { describeReference } from "../../../protocol/entry/reference.ts";
import { type Envelope, parseEnvelope } from "../../../protocol/envelope/dsse.ts";
import { VerificationError } from "../../../protocol/errors.ts";
import { hashLeaf } from "../../../protocol/merkle/hash.ts";
import { parseTlogPolicy } from "../../../protocol/note/tlog-policy.ts";
import { parseTlogProof, verifyTlogProof } from "../../../protocol/note/tlog-proof.ts";
import { type AnswerCode, callLog } from "../../../publisher/client/log-client.ts";
import { findEntry } from "../../../publisher/client/lookup.ts";
import { parseTrustFile, type TrustAnchor } from "../../../verifier/bundle/trust-pin.ts";
import { verifyReceipt } from "../../../verifier/receipt/verify-receipt.ts";
import { AnswerIsNo, type CliContext, judging, show } from "../../context.ts";
import { readOwn, writeOutput } from "../../files.ts";
import { logClient } from "../../log-client.ts";

interface Options {
  readonly to: string;
  readonly trust: string;
  readonly receipt?: boolean;
  readonly size?: number;
  readonly keyOutput?: string;
  readonly output: string;
  readonly json?: boolean;
}

export async function runExport(envelopeFile: string, options: Options, context: CliContext): Promise<void> {
  const anchor = readOwn(options.trust, parseTrustFile);
  const envelope = readOwn(envelopeFile, parseEnvelope);
  const client = logClient(options.to, context);
  const label = describeReference(envelope.statement);
  const found = await findEntry(client, envelope.statement);
  if (found?.envelope.payloadDigest !== envelope.payloadDigest)
    throw new AnswerIsNo(`${envelopeFile}: this ${label} is not in the log`, "not-found");
  const { index } = found;
  const query = options.size === undefined ? "" : `?size=${options.size}`;
  const [path, accept] = options.receipt ? ["receipt", "application/cose"] : ["proof", "text/plain"];
  const { body } = await callLog(client, `/v1/entries/${index}/${path}${query}`, { headers: { accept } });
  const key = await judging(async () => {
    const proven = await verify(body, envelope, anchor, options.receipt === true);
    requireAskedFor(proven, index, options.size);
    return proven.key;
  });
  writeOutput(options.output, body);
  if (options.keyOutput !== undefined && key !== undefined)
    writeOutput(options.keyOutput, encodePublicKeyPem(key));
  const form = options.receipt ? "receipt" : "tlog-proof";
  show(context, options, { output: options.output, entry: label, index, form }, [
    `${options.output}: ${form} of ${label}, entry ${index} of ${anchor.origin}`,
  ]);
}

/** What a proof that verifies is of. */
interface Proven {
  readonly index: number | null;
  readonly size: number;
  /** SPKI DER of the receipt key; a tlog-proof names none. */
  readonly key?: Uint8Array;
}

async function verify(
  body: Uint8Array,
  { leaf }: Envelope,
  { root }: TrustAnchor,
  isReceipt: boolean,
): Promise<Proven> {
  if (isReceipt) {
    const { proof, key } = await verifyReceipt(body, leaf, root);
    return { index: proof.kind === "inclusion" ? proof.index : null, size: proof.size, key: key.spki };
  }
  const proof = parseTlogProof(body);
  const { checkpoint } = await verifyTlogProof(proof, hashLeaf(leaf), parseTlogPolicy(root.logPolicy));
  return { index: proof.index, size: checkpoint.size };
}

/** So far, index and size were the word of the log. */
function requireAskedFor(proven: Proven, index: number, size = proven.size): void {
  if (proven.index !== index || proven.size !== size)
    throw new VerificationError<AnswerCode>(
      "answer",
      `asked for entry ${index} at size ${size}, and this is of entry ${proven.index} at size ${proven.size}`,
    );
}
