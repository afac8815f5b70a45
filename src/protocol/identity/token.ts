// Reads tokens of identity providers: JWTs (RFC 7519) as JWS in compact serialization (RFC 7515 §3.1). Reading one proves nothing.
import { decodeBase64Url } from "../encoding/base64url.ts";
import { readAs } from "../encoding/shape.ts";
import { utf8 } from "../encoding/text.ts";
import { MAX_TOKEN_BYTES } from "../envelope/dsse-format.ts";
import { parseJson } from "../envelope/parse-json.ts";
import { MalformedError } from "../errors.ts";
import { type TokenClaims, type TokenHeader, tokenClaims, tokenHeader } from "./token.shape.ts";

export type { TokenClaims, TokenHeader } from "./token.shape.ts";

const FORMAT = "token";

export interface ReadToken {
  readonly header: TokenHeader;
  readonly claims: TokenClaims;
  /** Everything that the provider says, those claims among it. */
  readonly stated: Readonly<Record<string, unknown>>;
  /** What the provider signed. */
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** Members of a header by which a token would bring its own key, or ask for what its reader does not know (RFC 7515 §4.1). */
const REFUSED_MEMBERS = ["jwk", "jku", "x5u", "x5c", "crit"];

/** @throws MalformedError for what is not three parts of canonical base64url with strict JSON, or a header with a key in it. */
export function readToken(jwt: string): ReadToken {
  if (jwt.length > MAX_TOKEN_BYTES)
    throw new MalformedError(FORMAT, `longer than ${MAX_TOKEN_BYTES} characters`);
  const parts = jwt.split(".");
  const [header, claims, signature] = parts;
  if (header === undefined || claims === undefined || signature === undefined || parts.length !== 3)
    throw new MalformedError(FORMAT, "not three parts with dots between them");
  const stated = parseJson(decodeBase64Url(claims), MAX_TOKEN_BYTES);
  return {
    header: readHeader(parseJson(decodeBase64Url(header), MAX_TOKEN_BYTES)),
    claims: readAs(tokenClaims, stated, "token's claims"),
    stated: stated as Readonly<Record<string, unknown>>,
    message: utf8(`${header}.${claims}`),
    signature: decodeBase64Url(signature),
  };
}

function readHeader(json: unknown): TokenHeader {
  const header = readAs(tokenHeader, json, "token's header");
  const refused = REFUSED_MEMBERS.find((member) => Object.hasOwn(json as object, member));
  if (refused !== undefined)
    throw new MalformedError(FORMAT, `its header has ${refused}; keys of providers come from the log alone`);
  return header;
}
