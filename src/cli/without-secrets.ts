// Takes secrets out of text that is shown.
import { withoutPrivateKeys } from "../protocol/encoding/private-key-text.ts";

/** The user information of a URL (RFC 3986 §3.2.1). */
const USER_INFORMATION = /(\b[a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/?#"'@]{1,1000}@/gi;

/** The text without private keys, and without what stands before the @ of a URL. */
export function withoutSecrets(text: string): string {
  return withoutPrivateKeys(text).replace(USER_INFORMATION, "$1…@");
}
