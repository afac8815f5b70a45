// Gives the schemas of a token's header and of its claims (token.ts). Providers add what they like to both.
import * as z from "zod";
import { integer, text } from "../entry/fields.schema.ts";
import { TOKEN_ALGORITHMS } from "../entry/identity-rule.ts";

export const tokenHeader = z.object({
  alg: z.enum(TOKEN_ALGORITHMS),
  kid: text(255),
  typ: z.literal("JWT").optional(),
});

export const tokenClaims = z.object({
  iss: text(255),
  /** A list could name somebody else beside this log. */
  aud: text(2048),
  jti: text(255),
  iat: integer,
  nbf: integer.optional(),
  exp: integer,
});
