// Names of note keys (C2SP signed-note): what stands before the first plus of a key and between the dash and the base64 of a signature.

// biome-ignore lint/suspicious/noControlCharactersInRegex: notes forbid exactly these.
const FORBIDDEN = /[\p{White_Space}\p{Surrogate}\u0000-\u001f+]/u;

/** Whether a text can be a key name: not empty, without Unicode space, control character or `+`. */
export function isKeyName(name: string): boolean {
  return name !== "" && !FORBIDDEN.test(name);
}
