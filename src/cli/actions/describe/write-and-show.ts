// Ends every describe: the files are written, and the reader is told what was described under which digest.
import { sha256 } from "../../../protocol/cryptography/hash.ts";
import { encodeHex } from "../../../protocol/encoding/hex.ts";
import { describeReference } from "../../../protocol/entry/reference.ts";
import { parseStatement } from "../../../protocol/envelope/statement.ts";
import type { Described } from "../../../publisher/describe/described.ts";
import { type CliContext, show } from "../../context.ts";
import type { ReleaseOptions } from "../../release-options.ts";
import { attachmentPathOf } from "../../statement-files.ts";
import { writeDescribed } from "./write-described.ts";

export async function writeAndShow(
  context: CliContext,
  options: ReleaseOptions & { readonly json?: boolean },
  described: Described,
): Promise<void> {
  writeDescribed(options.output, described);
  const { subject, ...statement } = parseStatement(described.payload);
  const payloadDigest = encodeHex(sha256(described.payload));
  const attachments = described.attachments.map(({ reference }) =>
    attachmentPathOf(options.output, reference.digest),
  );
  show(context, options, { output: options.output, payloadDigest, subjects: subject, attachments }, [
    `${options.output}: ${describeReference(statement)}`,
    `payload sha256:${payloadDigest}`,
    ...subject.map(({ name, digest }) => `  ${name} sha256:${digest.sha256}`),
    ...attachments.map((path) => `attachment ${path}`),
  ]);
}
