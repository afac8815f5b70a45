// Gives the schema of the kind platform (platform.ts).
import * as z from "zod";
import { LAYOUTS, VMMS } from "../boot.ts";
import { hex8, integer, positive, sha256, sha384, tdxRegister, text } from "../fields.schema.ts";
import { derivation, measuredEvent } from "../measured-event.schema.ts";
import { measuredFile, releaseShape } from "../release.schema.ts";

export const vmmName = z.enum([...VMMS, "other"]);

/** Whose ACPI tables and memory map RTMR0 measures. */
const vmm = z.strictObject({
  name: vmmName,
  package: text(256)
    .nullable()
    .describe("Package and version, as the program or its distributor states them"),
  sha256: sha256.nullable().describe("SHA-256 of the program; null: not published"),
  arguments: z.array(text(1024)).max(256).describe("What shapes the VM, in order; none where not published"),
});

export const vmShape = z.strictObject({
  machineType: text(64),
  vcpus: positive,
  memoryBytes: positive,
  gpus: integer,
});

export const platform = z.strictObject({
  ...releaseShape,
  firmware: measuredFile.nullable().describe("TDVF file; null: known only by its MRTD"),
  mrtd: tdxRegister,
  pageAddOrder: z
    .enum(["single-pass", "two-pass", "observed"])
    .describe("How pages were added; observed: MRTD was read from a quote"),
  rtmr0: tdxRegister,
  rtmr0From: text(512).describe("The artefacts, event log or quote that RTMR0 comes from"),
  rtmr0Derivation: derivation,
  layout: z.enum(LAYOUTS).describe("Order of the firmware's events"),
  vmm,
  events: z.array(measuredEvent).max(64).nullable().describe("Events of RTMR0; null: not known"),
  acpi: z.strictObject({ loader: sha384, rsdp: sha384, tables: sha384 }).nullable(),
  shape: vmShape,
  tdAttributes: hex8.describe("TD_ATTRIBUTES, 8 bytes as in the quote"),
  xfam: hex8.describe("XFAM, 8 bytes as in the quote"),
});
