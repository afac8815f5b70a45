// Reads EFI GUIDs (UEFI 2.10 appendix A): 16 bytes whose first three fields are little-endian, against the text form of RFC 9562.
import { formatUuid } from "./erofs.ts";

export const GUID_LENGTH = 16;

/** 16 bytes to lower-case text with hyphens. */
export function formatGuid(bytes: Uint8Array): string {
  return formatUuid(swapFields(bytes));
}

/** Text in lower case with hyphens to 16 bytes. */
export function encodeGuid(text: string): Uint8Array {
  return swapFields(Buffer.from(text.replaceAll("-", ""), "hex"));
}

function swapFields(bytes: Uint8Array): Uint8Array {
  const [a, b, c, rest] = [
    bytes.subarray(0, 4),
    bytes.subarray(4, 6),
    bytes.subarray(6, 8),
    bytes.subarray(8, GUID_LENGTH),
  ];
  return Uint8Array.of(...a.toReversed(), ...b.toReversed(), ...c.toReversed(), ...rest);
}
