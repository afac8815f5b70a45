// Defines what entries may be called (docs/formats.md, "Entry"), as texts: whoever only reads a command line needs no schemas.

const SEGMENT = "[a-z0-9][a-z0-9._-]*";
const PATH = `${SEGMENT}(?:/${SEGMENT})*`;

export const MAX_NAME_BYTES = 128;
/** Segments with single slashes between them. None begins with a dot, so that no name is a path that leads elsewhere. */
export const NAME = new RegExp(`^${PATH}$`);
/** A name; one followed by "/*", for every name below that folder; "*" alone, for every name. */
export const NAME_PATTERN = new RegExp(`^(?:\\*|${PATH}(?:/\\*)?)$`);

export function isName(text: string): boolean {
  return text.length <= MAX_NAME_BYTES && NAME.test(text);
}
