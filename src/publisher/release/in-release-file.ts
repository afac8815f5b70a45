// Says where in the release file a fault lies that was found in a part of it.
import { MalformedError } from "../../protocol/errors.ts";

/** Formats of the parts that a release file holds or names. */
const PARTS: readonly string[] = ["reference", "requirements"];

/**
 * What `action` returns. A JSON pointer into the part continues the place.
 * @param at table and key of the part, such as "policy.requirements".
 * @throws MalformedError of the release file in place of one of a part, and every other error as it is.
 */
export async function inReleaseFile<T>(at: string, action: () => T | Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof MalformedError) || !PARTS.includes(error.format)) throw error;
    throw new MalformedError("release file", error.detail, at + placeIn(error.at ?? ""));
  }
}

function placeIn(at: string): string {
  return at === "" || at.startsWith("/") ? at.replaceAll("/", ".") : `, ${at}`;
}
