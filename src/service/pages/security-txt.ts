// Writes /.well-known/security.txt (RFC 9116) from what the operator states.
import type { Operator } from "./home.ts";

/** Days for which the file is good; RFC 9116 §2.5.5 recommends less than a year. */
const DAYS = 180;

/** @returns null where the operator states no contact for security: the file would have no meaning. */
export function securityTxt({ security }: Operator, url: string, now: Date): string | null {
  if (security === undefined) return null;
  const expires = new Date(now.getTime() + DAYS * 86_400_000);
  expires.setUTCHours(0, 0, 0, 0);
  return [
    `Contact: ${security}`,
    `Expires: ${expires.toISOString().replace(".000", "")}`,
    `Canonical: ${url}/.well-known/security.txt`,
    "",
  ].join("\n");
}
