// Refuses a file that is not of the wanted format, and says what it looks like.
import { likeness } from "../../../protocol/encoding/recognise.ts";
import type { MalformedError } from "../../../protocol/errors.ts";
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
