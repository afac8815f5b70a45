// Refuses a file that is not of the wanted format by name, and says what it looks like.
import { type LikenessKind, likeness } from "../../../protocol/encoding/recognise.ts";
import { MalformedError } from "../../../protocol/errors.ts";
import type { RandomAccess } from "./random-access.ts";

const SAMPLE = 4096;

/** An error to throw: `detail` is wrong at byte `offset`, and what the file looks like from its beginning. */
export async function otherFormat(
  file: RandomAccess,
  detail: string,
  offset: number,
): Promise<MalformedError> {
  const start = await file.read(0, Math.min(SAMPLE, file.size), "the first bytes");
  return file.malformed(`${detail}${likeness(start)}`, offset);
}

/**
 * What `parse` makes of the bytes of a whole file.
 * @param wanted kinds that `parse` takes, of which the message does not say that the file looks like them.
 * @throws MalformedError of `parse`, with the file's name.
 */
export function parseWhole<T>(
  file: Pick<RandomAccess, "format" | "path">,
  bytes: Uint8Array,
  parse: (bytes: Uint8Array) => T,
  ...wanted: readonly LikenessKind[]
): T {
  try {
    return parse(bytes);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    const { format, detail, at } = error;
    const told = format === file.format ? detail : `${format}: ${detail}`;
    throw new MalformedError(`${file.format} ${file.path}`, `${told}${likeness(bytes, ...wanted)}`, at);
  }
}
