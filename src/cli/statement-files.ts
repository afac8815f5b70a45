// Names the files that lie beside a statement: its envelope, its proof and its attachments.
import { dirname, join } from "node:path";
import { attachmentFileName } from "../publisher/describe/described.ts";
import { STANDARD } from "./files.ts";

/** x.json becomes x.dsse.json, and an envelope stays where it is. What came from standard input goes to standard output. */
export function envelopePathOf(file: string): string {
  if (file === STANDARD) return STANDARD;
  return file.endsWith(".dsse.json") ? file : `${file.replace(/\.json$/, "")}.dsse.json`;
}

/** x.dsse.json has its proof in x.tlog-proof, and so has x.json, which becomes that envelope. */
export function proofPathOf(file: string): string {
  if (file === STANDARD) return STANDARD;
  return `${file.replace(/(?:\.dsse)?\.json$/, "")}.tlog-proof`;
}

/** Where the attachment with that SHA-256 lies beside a statement or its envelope. */
export function attachmentPathOf(file: string, sha256: string): string {
  return join(dirname(file), attachmentFileName(sha256));
}
