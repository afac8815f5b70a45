// Reads what statement.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { sha256, sha384 } from "../entry/fields.shape.ts";
import { PRINTABLE } from "../entry/fields.ts";
import { list, object, oneOf, optional } from "../shape/containers.ts";
import { atLeast, atMost, matching, string, unknown } from "../shape/scalars.ts";

export type Subject = {
  name: string;
  digest: {
    /** SHA-256, lower-case hex */
    sha256: string;
    sha384?: string | undefined;
  };
};

export const subject = object<Subject>({
  name: string(atMost(512), matching(PRINTABLE), atLeast(1)),
  digest: object({
    sha256,
    sha384: optional(sha384),
  }),
});

export type StatementFrame = {
  _type: "https://in-toto.io/Statement/v1";
  subject: Subject[];
  predicateType: string;
  predicate: unknown;
};

export const statementFrame = object<StatementFrame>({
  _type: oneOf("https://in-toto.io/Statement/v1"),
  subject: list(subject, atLeast(1), atMost(256)),
  predicateType: string(),
  predicate: unknown(),
});
