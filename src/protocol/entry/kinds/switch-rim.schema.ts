// Gives the schema of the kind switch-rim (switch-rim.ts).
import * as z from "zod";
import { sha256, text, time } from "../fields.schema.ts";
import { goldenTable, rimSigners, tableDigest } from "../golden-table.schema.ts";
import { releaseShape } from "../release.schema.ts";

export const switchRim = z.strictObject({
  ...releaseShape,
  rim: z.strictObject({
    id: text(128).describe("RIM id"),
    tagId: text(128),
    componentVersion: text(64).describe("VBIOS version, as the switch reports it"),
    sha256: sha256.describe("SHA-256 of the RIM file, byte for byte"),
    product: text(128).describe("Chip that the RIM states, such as LS10"),
  }),
  tableDigest,
  table: goldenTable,
  signers: rimSigners,
  verifiedAt: time.describe("Time at which signature and chain were checked"),
});
