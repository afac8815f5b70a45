// Reads what token.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { integer } from "../entry/fields.shape.ts";
import { PRINTABLE } from "../entry/fields.ts";
import { oneOf, openObject, optional } from "../shape/containers.ts";
import { atLeast, atMost, matching, string } from "../shape/scalars.ts";

export type TokenHeader = {
  alg: "RS256" | "ES256";
  kid: string;
  typ?: "JWT" | undefined;
};

export const tokenHeader = openObject<TokenHeader>({
  alg: oneOf("RS256", "ES256"),
  kid: string(atMost(255), matching(PRINTABLE), atLeast(1)),
  typ: optional(oneOf("JWT")),
});

export type TokenClaims = {
  iss: string;
  aud: string;
  jti: string;
  iat: number;
  nbf?: number | undefined;
  exp: number;
};

export const tokenClaims = openObject<TokenClaims>({
  iss: string(atMost(255), matching(PRINTABLE), atLeast(1)),
  aud: string(atMost(2048), matching(PRINTABLE), atLeast(1)),
  jti: string(atMost(255), matching(PRINTABLE), atLeast(1)),
  iat: integer,
  nbf: optional(integer),
  exp: integer,
});
