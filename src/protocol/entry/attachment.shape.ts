// Reads what attachment.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { object, oneOf } from "../shape/containers.ts";
import { from, safeInteger, upTo } from "../shape/scalars.ts";
import { sha256 } from "./fields.shape.ts";

export type Attachment = {
  /** SHA-256 of the attachment's bytes */
  digest: string;
  /** Length in bytes */
  size: number;
  mediaType: "application/json";
};

export const attachment = object<Attachment>({
  digest: sha256,
  size: safeInteger(from(1), upTo(16777216)),
  mediaType: oneOf("application/json"),
});
