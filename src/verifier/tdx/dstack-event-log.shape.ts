// Reads what dstack-event-log.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import {
  converted,
  either,
  list,
  object,
  oneOf,
  optional,
  withDefault,
} from "../../protocol/shape/containers.ts";
import { atLeast, atMost, from, matching, safeInteger, string, upTo } from "../../protocol/shape/scalars.ts";
import type { Shape } from "../../protocol/shape/shape.ts";
import { HEX_TEXT, toLowerCase } from "../hex-text.ts";

export type DstackEvent = {
  imr: 0 | 1 | 2 | 3;
  event_type: number;
  digest: string | "";
  event: string;
  event_payload: string;
  version: 1 | 2;
  preimage?: string | undefined;
};

export const dstackEvent = object<DstackEvent>({
  imr: oneOf(0, 1, 2, 3),
  event_type: safeInteger(from(0), upTo(4294967295)),
  digest: withDefault(
    either(converted(string(atLeast(96), atMost(96), matching(HEX_TEXT)), toLowerCase), oneOf("")),
    "",
  ),
  event: string(atMost(256)),
  event_payload: converted(string(atLeast(0), atMost(1048576), matching(HEX_TEXT)), toLowerCase),
  version: withDefault(oneOf(1, 2), 1),
  preimage: optional(converted(string(atLeast(0), atMost(1048576), matching(HEX_TEXT)), toLowerCase)),
});

export type DstackEvents = DstackEvent[];

export const dstackEvents: Shape<DstackEvents> = list(dstackEvent, atLeast(1), atMost(4096));
