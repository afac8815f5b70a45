// Reads what platform.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { list, nullable, object, oneOf } from "../../shape/containers.ts";
import { atLeast, atMost, matching, string } from "../../shape/scalars.ts";
import type { Shape } from "../../shape/shape.ts";
import {
  hex8,
  integer,
  name,
  positive,
  releaseVersion,
  sha256,
  sha384,
  tdxRegister,
} from "../fields.shape.ts";
import { PRINTABLE } from "../fields.ts";
import { type Derivation, derivation, type MeasuredEvent, measuredEvent } from "../measured-event.shape.ts";
import {
  type Builder,
  builder,
  type MeasuredFile,
  measuredFile,
  type Provenance,
  provenance,
  type Source,
  source,
} from "../release.shape.ts";

export type VmmName = "qemu" | "gce" | "other";

export const vmmName: Shape<VmmName> = oneOf("qemu", "gce", "other");

export type VmShape = {
  machineType: string;
  vcpus: number;
  memoryBytes: number;
  gpus: number;
};

export const vmShape = object<VmShape>({
  machineType: string(atMost(64), matching(PRINTABLE), atLeast(1)),
  vcpus: positive,
  memoryBytes: positive,
  gpus: integer,
});

export type Platform = {
  /** Name: segments of a-z, 0-9, '.', '_' and '-', with '/' between them; at most 128 bytes */
  name: string;
  /** Version, as its publisher writes it */
  version: string;
  /** Release channel, such as stable or testing */
  channel: string;
  /** Security version number: raised when older releases of this name must no longer be accepted */
  svn: number;
  builder: Builder;
  source: Source;
  provenance: Provenance | null;
  /** TDVF file; null: known only by its MRTD */
  firmware: MeasuredFile | null;
  /** 48-byte TDX register, lower-case hex */
  mrtd: string;
  /** How pages were added; observed: MRTD was read from a quote */
  pageAddOrder: "single-pass" | "two-pass" | "observed";
  /** 48-byte TDX register, lower-case hex */
  rtmr0: string;
  /** The artefacts, event log or quote that RTMR0 comes from */
  rtmr0From: string;
  /** computed: from artefacts alone; observed: on a machine, in a quote or event log */
  rtmr0Derivation: Derivation;
  /** Order of the firmware's events */
  layout: "edk2-before-202411" | "edk2-202411" | "edk2-202505";
  vmm: {
    name: VmmName;
    /** Package and version, as the program or its distributor states them */
    package: string | null;
    /** SHA-256 of the program; null: not published */
    sha256: string | null;
    /** What shapes the VM, in order; none where not published */
    arguments: string[];
  };
  /** Events of RTMR0; null: not known */
  events: MeasuredEvent[] | null;
  acpi: {
    /** SHA-384, lower-case hex */
    loader: string;
    /** SHA-384, lower-case hex */
    rsdp: string;
    /** SHA-384, lower-case hex */
    tables: string;
  } | null;
  shape: VmShape;
  /** TD_ATTRIBUTES, 8 bytes as in the quote */
  tdAttributes: string;
  /** XFAM, 8 bytes as in the quote */
  xfam: string;
};

export const platform = object<Platform>({
  name,
  version: releaseVersion,
  channel: name,
  svn: integer,
  builder,
  source,
  provenance: nullable(provenance),
  firmware: nullable(measuredFile),
  mrtd: tdxRegister,
  pageAddOrder: oneOf("single-pass", "two-pass", "observed"),
  rtmr0: tdxRegister,
  rtmr0From: string(atMost(512), matching(PRINTABLE), atLeast(1)),
  rtmr0Derivation: derivation,
  layout: oneOf("edk2-before-202411", "edk2-202411", "edk2-202505"),
  vmm: object({
    name: vmmName,
    package: nullable(string(atMost(256), matching(PRINTABLE), atLeast(1))),
    sha256: nullable(sha256),
    arguments: list(string(atMost(1024), matching(PRINTABLE), atLeast(1)), atMost(256)),
  }),
  events: nullable(list(measuredEvent, atMost(64))),
  acpi: nullable(
    object({
      loader: sha384,
      rsdp: sha384,
      tables: sha384,
    }),
  ),
  shape: vmShape,
  tdAttributes: hex8,
  xfam: hex8,
});
