// Gives the schema of what a verifier remembers (remembered-state.ts).
import * as z from "zod";
import { integer, name, positive, text, time } from "../../protocol/entry/fields.schema.ts";

const note = z.string().max(65_536);

export const rememberedState = z.strictObject({
  origin: text(255),
  trustRootVersion: positive.describe("Newest trust root seen"),
  statusSequence: positive.describe("Newest status seen"),
  checkpoint: z
    .strictObject({
      note: note.describe("The signed note that it was verified from"),
      cosignedAt: time.describe("Oldest cosignature of its quorum"),
    })
    .describe("Largest tree seen"),
  policies: z.record(name, integer).describe("Newest version seen of each policy"),
  fork: z
    .tuple([note, note])
    .nullable()
    .describe("Two checkpoints of one size and of different roots: proof against the log"),
});
