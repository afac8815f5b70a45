// Reads what fields.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { atLeast, atMost, from, matching, safeInteger, string, upTo } from "../shape/scalars.ts";
import { rule, type Shape } from "../shape/shape.ts";
import { isRealTime, isRelativePath, PRINTABLE } from "./fields.ts";
import { NAME, NAME_PATTERN } from "./name.ts";

/** Name: segments of a-z, 0-9, '.', '_' and '-', with '/' between them; at most 128 bytes */
export const name: Shape<string> = string(atMost(128), matching(NAME));

/** Name, name followed by '/*', or '*'; at most 128 bytes */
export const namePattern: Shape<string> = string(atMost(128), matching(NAME_PATTERN));

/** Version, as its publisher writes it */
export const releaseVersion: Shape<string> = string(matching(/^[A-Za-z0-9][A-Za-z0-9.+~:_-]{0,127}$/));

export const integer: Shape<number> = safeInteger(from(0), upTo(9007199254740991));

export const positive: Shape<number> = safeInteger(from(1), upTo(9007199254740991));

/** SHA-256, lower-case hex */
export const sha256: Shape<string> = string(matching(/^[0-9a-f]{64}$/));

/** SHA-384, lower-case hex */
export const sha384: Shape<string> = string(matching(/^[0-9a-f]{96}$/));

/** Git object name, full hex */
export const gitCommit: Shape<string> = string(matching(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/));

/** Git object name as the patch gives it: full, or its first digits, 12 at least */
export const namedCommit: Shape<string> = string(matching(/^(?:[0-9a-f]{12,40}|[0-9a-f]{64})$/));

export const hex8: Shape<string> = string(matching(/^[0-9a-f]{16}$/));

export const hex16: Shape<string> = string(matching(/^[0-9a-f]{32}$/));

/** 48-byte TDX register, lower-case hex */
export const tdxRegister: Shape<string> = string(matching(/^[0-9a-f]{96}$/));

export const uuid: Shape<string> = string(matching(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/));

/** Origin line of the log's checkpoints (C2SP tlog-checkpoint) */
export const origin: Shape<string> = string(atMost(255), matching(PRINTABLE), atLeast(1));

/** Relative file name */
export const fileName: Shape<string> = string(
  matching(/^[A-Za-z0-9_+.@~-][A-Za-z0-9_+.@~/-]{0,254}$/),
  rule(isRelativePath, "must be a relative path without . or .. elements"),
);

/** RFC 3339, UTC, seconds */
export const time: Shape<string> = string(
  matching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/),
  rule(isRealTime, "is not a time that exists"),
);

/** SPKI DER (RFC 5280), base64 */
export const spki: Shape<string> = string(
  matching(/^(?:[A-Za-z0-9+/]{4}){10,200}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/),
);

/** Hex SHA-256 of the key's SPKI DER */
export const keyId: Shape<string> = string(matching(/^[0-9a-f]{64}$/));
