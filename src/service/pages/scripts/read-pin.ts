// Reads the pin that a reader gives to a page: a digest, or the file trust-root.json.
import { parseTrustFile } from "../../../verifier/bundle/trust-pin.ts";

export interface Pin {
  readonly version: number;
  readonly digest: string;
}

/** What the reader gave: a file of ours, a digest, or nothing. @throws for anything else. */
export async function readPin(text: HTMLInputElement, files: HTMLInputElement): Promise<Pin | null> {
  const file = files.files?.[0];
  if (file !== undefined) return parseTrustFile(new Uint8Array(await file.arrayBuffer()));
  const digest = text.value
    .trim()
    .toLowerCase()
    .replace(/^sha256:/, "");
  if (digest === "") return null;
  if (!/^[0-9a-f]{64}$/.test(digest)) throw new Error("the pin is not 64 hex digits");
  return { version: 1, digest };
}
