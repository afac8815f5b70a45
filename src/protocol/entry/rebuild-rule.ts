// Defines what a policy may demand of third parties: that they built what it names again, with the same result.
import * as z from "zod";
import { keyId } from "./fields.ts";
import { REBUILT_KINDS } from "./kinds/rebuild.ts";

const differ = (values: readonly unknown[]) => new Set(values).size === values.length;
const isReachable = ({ keys, threshold }: { keys: readonly string[]; threshold: number }) =>
  threshold <= keys.length;

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
  .refine(isReachable, { error: "there must be at least as many keys as the threshold" })
  .nullable()
  .describe("Rebuilds by third parties; null: none are asked for");
export type RebuildRule = NonNullable<z.infer<typeof rebuildRule>>;
