// Turns bytes into strings of which each character is a byte, as Fetch has the values of fields, and back.

export function decodeBytes(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** @throws TypeError for a character that is no byte. */
export function encodeBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => {
    const code = character.charCodeAt(0);
    if (code > 0xff || character.length > 1) throw new TypeError(`${JSON.stringify(text)} is not of bytes`);
    return code;
  });
}
