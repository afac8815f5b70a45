// Serves texts that stay the same for as long as the program runs: each is made when it is first wanted, compressed once, and kept.
import type { Api } from "../openapi.ts";
import { type EncodedBody, encodeBody, respondEncoded } from "./encoded-body.ts";

export interface LastingFile {
  readonly path: string;
  /** Of the answer, the content type among them. */
  readonly headers: Readonly<Record<string, string>>;
  /** Where it fails, the next request tries again. */
  readonly read: () => string | Promise<string>;
}

export function addLastingFile(api: Api, { path, headers, read }: LastingFile): void {
  let made: Promise<EncodedBody> | undefined;
  api.get(path, async (c) => {
    made ??= make(read, headers).catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return respondEncoded(c, await made);
  });
}

async function make(read: LastingFile["read"], headers: LastingFile["headers"]): Promise<EncodedBody> {
  return encodeBody(Uint8Array.from(Buffer.from(await read())), headers);
}
