// Writes what was described. Nothing is written before the whole statement exists, so that a failed describe leaves no file behind.
import type { Described } from "../../../publisher/describe/described.ts";
import { writeOutput } from "../../files.ts";
import { attachmentPathOf } from "../../statement-files.ts";

/** Writes the statement's payload to `output`, its attachments beside it first, so that a statement never lacks one. */
export function writeDescribed(output: string, { payload, attachments }: Described): void {
  for (const { reference, bytes } of attachments)
    writeOutput(attachmentPathOf(output, reference.digest), bytes);
  writeOutput(output, payload);
}
