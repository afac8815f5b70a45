// Defines the kind platform: the virtual firmware and shape of the VM. MRTD, RTMR0, TD attributes and XFAM hold together, as one atom.
import * as z from "zod";
import { hex8, integer, positive, sha384, tdxRegister, text } from "../fields.ts";
import { releaseKind } from "../kind.ts";
import { measuredFile, releaseShape } from "../release.ts";

export const platform = releaseKind({
  kind: "platform",
  schema: z.strictObject({
    ...releaseShape,
    firmware: measuredFile.nullable().describe("TDVF file; null: known only by its MRTD"),
    mrtd: tdxRegister,
    pageAddOrder: z
      .enum(["single-pass", "two-pass", "observed"])
      .describe("How pages were added; observed: MRTD was read from a quote"),
    rtmr0: tdxRegister,
    rtmr0From: text(512).describe("The event log or quote that RTMR0 comes from"),
    acpi: z.strictObject({ loader: sha384, rsdp: sha384, tables: sha384 }).nullable(),
    shape: z.strictObject({
      machineType: text(64),
      vcpus: positive,
      memoryBytes: positive,
      gpus: integer,
    }),
    tdAttributes: hex8.describe("TD_ATTRIBUTES, 8 bytes as in the quote"),
    xfam: hex8.describe("XFAM, 8 bytes as in the quote"),
  }),
  profile: { member: "platforms", atMost: 64 },
  references: {},
});
export type Platform = z.infer<typeof platform.schema>;
