// Says under which key a digest is indexed.

const PREFIX_DIGITS = 12;

/** The first 48 bits of a hex digest: an integer that JavaScript and every back end hold. */
export function digestPrefix(digest: string): number {
  return Number.parseInt(digest.slice(0, PREFIX_DIGITS), 16);
}
