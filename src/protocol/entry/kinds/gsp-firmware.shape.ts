// Reads what gsp-firmware.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { list, nullable, object } from "../../shape/containers.ts";
import { atLeast, atMost, matching, string } from "../../shape/scalars.ts";
import { fileName, integer, name, releaseVersion, sha256, sha384 } from "../fields.shape.ts";
import { PRINTABLE } from "../fields.ts";
import { type Builder, builder, type Provenance, provenance, type Source, source } from "../release.shape.ts";

export type GspFirmware = {
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
  firmwareVersion: string;
  files: {
    /** Relative file name */
    fileName: string;
    /** SHA-256, lower-case hex */
    sha256: string;
    /** Length in bytes */
    size: number;
    /** SHA-384, lower-case hex */
    sha384: string;
    firmwareVersion: string;
    /** Chips it serves, by its section names */
    chips: string[];
    sections: string[];
    notes: {
      section: string;
      name: string;
      type: number;
      /** SHA-256 of the note's description */
      sha256: string;
    }[];
  }[];
  /** Package that the files came from */
  package: {
    name: string;
    version: string;
    sha256: string | null;
  } | null;
  /** Observed in reports, never computed from the files */
  observedFwids: {
    /** FWID of the device's attestation key certificate */
    fwid: string;
    /** SHA-256 of the GPU report it was seen in */
    report: string;
  }[];
};

export const gspFirmware = object<GspFirmware>({
  name,
  version: releaseVersion,
  channel: name,
  svn: integer,
  builder,
  source,
  provenance: nullable(provenance),
  firmwareVersion: string(atMost(64), matching(PRINTABLE), atLeast(1)),
  files: list(
    object({
      fileName,
      sha256,
      size: integer,
      sha384,
      firmwareVersion: string(atMost(64), matching(PRINTABLE), atLeast(1)),
      chips: list(string(atMost(32), matching(PRINTABLE), atLeast(1)), atLeast(1), atMost(64)),
      sections: list(string(atMost(64), matching(PRINTABLE), atLeast(1)), atMost(128)),
      notes: list(
        object({
          section: string(atMost(64), matching(PRINTABLE), atLeast(1)),
          name: string(atMost(64), matching(PRINTABLE)),
          type: integer,
          sha256,
        }),
        atMost(64),
      ),
    }),
    atLeast(1),
    atMost(32),
  ),
  package: nullable(
    object({
      name: string(atMost(128), matching(PRINTABLE), atLeast(1)),
      version: string(atMost(128), matching(PRINTABLE), atLeast(1)),
      sha256: nullable(sha256),
    }),
  ),
  observedFwids: list(
    object({
      fwid: sha384,
      report: sha256,
    }),
    atMost(64),
  ),
});
