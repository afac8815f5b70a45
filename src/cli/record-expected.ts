// Adds entries to the file of expected entries that a monitor reads, before they are published.
import { existsSync } from "node:fs";
import { addExpected, type ExpectedEntry } from "../auditor/monitor/expected-entries.ts";
import { withFileLock } from "../node/file-lock.ts";
import { decodeUtf8 } from "../protocol/encoding/text.ts";
import type { Envelope } from "../protocol/envelope/dsse.ts";
import { readOwn, writeOutput } from "./files.ts";

/** @param file made where there is none; undefined records nothing. @throws UsageError, FileError. */
export function recordExpected(file: string | undefined, entries: readonly ExpectedEntry[]): void {
  if (file === undefined) return;
  const expected = entries.map(({ kind, name, version, digest }) => ({ kind, name, version, digest }));
  // Two pipelines may record at once.
  withFileLock(file, () => {
    const add = (bytes: Uint8Array | null) =>
      addExpected(bytes === null ? null : decodeUtf8(bytes), expected);
    writeOutput(file, existsSync(file) ? readOwn(file, add) : add(null));
  });
}

export function expectedOf({ statement, payloadDigest }: Envelope): ExpectedEntry {
  const { kind, name, version } = statement;
  return { kind, name, version, digest: payloadDigest };
}
