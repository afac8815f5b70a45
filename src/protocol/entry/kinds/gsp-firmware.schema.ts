// Gives the schema of the kind gsp-firmware (gsp-firmware.ts).
import * as z from "zod";
import { integer, sha256, sha384, text, textOrNothing } from "../fields.schema.ts";
import { measuredFile, releaseShape } from "../release.schema.ts";

const firmwareFile = z.strictObject({
  ...measuredFile.shape,
  firmwareVersion: text(64),
  chips: z.array(text(32)).min(1).max(64).describe("Chips it serves, by its section names"),
  sections: z.array(text(64)).max(128),
  notes: z
    .array(
      z.strictObject({
        section: text(64),
        name: textOrNothing(64),
        type: integer,
        sha256: sha256.describe("SHA-256 of the note's description"),
      }),
    )
    .max(64),
});

export const gspFirmware = z.strictObject({
  ...releaseShape,
  firmwareVersion: text(64),
  files: z.array(firmwareFile).min(1).max(32),
  package: z
    .strictObject({ name: text(128), version: text(128), sha256: sha256.nullable() })
    .nullable()
    .describe("Package that the files came from"),
  observedFwids: z
    .array(
      z.strictObject({
        fwid: sha384.describe("FWID of the device's attestation key certificate"),
        report: sha256.describe("SHA-256 of the GPU report it was seen in"),
      }),
    )
    .max(64)
    .describe("Observed in reports, never computed from the files"),
});
