// Gives the schema of an event of an expected boot as entries list it, and of how measurements come about.
import * as z from "zod";
import { EVENT_SOURCES } from "./boot.ts";
import { sha384, text } from "./fields.schema.ts";

export const derivation = z
  .enum(["computed", "observed"])
  .describe("computed: from artefacts alone; observed: on a machine, in a quote or event log");

export const measuredEvent = z.strictObject({
  register: z.enum(["rtmr0", "rtmr1", "rtmr2", "rtmr3"]),
  type: text(64).describe("As TCG names it, or its number in hex"),
  digest: sha384,
  formula: text(512).describe("What is hashed"),
  source: z.enum(EVENT_SOURCES).describe("given: a file or log that nothing here computes"),
});

/** What the attachment of an image's measurements holds. */
export const measuredEvents = z.array(measuredEvent);
