// Gives the schema of what a policy may demand of those who build again what it names (rebuild-rule.ts).
import * as z from "zod";
import { keyId } from "./fields.schema.ts";
import { differ } from "./fields.ts";
import { REBUILT_KINDS } from "./kinds/rebuild.ts";
import { isReachable } from "./rebuild-rule.ts";

export const rebuildRule = z
  .strictObject({
    threshold: z.int().min(1).max(32),
    keys: z
      .array(keyId)
      .min(1)
      .max(32)
      .refine(differ, { error: "keys must differ" })
      .describe("Keys of rebuilders; each counts once for a release"),
    kinds: z
      .array(z.enum(REBUILT_KINDS))
      .min(1)
      .refine(differ, { error: "kinds must differ" })
      .describe("Kinds whose releases must have been rebuilt"),
    differs: z
      .enum(["refuse", "show"])
      .describe("What a rebuild by one of the keys with another result does"),
  })
  .refine(isReachable, { error: "there must be at least as many keys as the threshold" });
