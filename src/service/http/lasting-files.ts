// Serves texts that stay the same for as long as the program runs: each is made when it is first wanted, compressed once, and kept.
import type { Api } from "../openapi.ts";
import { type EncodedBody, encodeBody, respondEncoded } from "./encoded-body.ts";

export interface LastingFile {
  /** With a parameter `name`, it is several: each name that can be read is a text of its own. */
  readonly path: string;
  /** Of the answer, the content type among them. */
  readonly headers: Readonly<Record<string, string>>;
  /** Where it fails, the next request tries again. @param name the parameter of the path, or "". */
  readonly read: (name: string) => string | Promise<string>;
}

export function addLastingFile(api: Api, { path, headers, read }: LastingFile): void {
  const made = new Map<string, Promise<EncodedBody>>();
  api.get(path, async (c) => {
    const name = c.req.param("name") ?? "";
    const known = made.get(name);
    if (known !== undefined) return respondEncoded(c, await known);
    const making = make(() => read(name), headers).catch((error: unknown) => {
      made.delete(name);
      throw error;
    });
    made.set(name, making);
    return respondEncoded(c, await making);
  });
}

async function make(
  read: () => string | Promise<string>,
  headers: LastingFile["headers"],
): Promise<EncodedBody> {
  return encodeBody(Uint8Array.from(Buffer.from(await read())), headers);
}
