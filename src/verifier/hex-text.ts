// Says what bytes in hex become that vendors and their tools write in upper or lower case: lower-case, as everywhere else.

export const HEX_TEXT = /^(?:[0-9a-fA-F]{2})*$/;

export function toLowerCase(text: string): string {
  return text.toLowerCase();
}
