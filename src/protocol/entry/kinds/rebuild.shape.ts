// Reads what rebuild.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { list, nullable, object, oneOf, variants } from "../../shape/containers.ts";
import { atLeast, atMost, matching, string } from "../../shape/scalars.ts";
import { rule } from "../../shape/shape.ts";
import { integer, name, releaseVersion, sha256 } from "../fields.shape.ts";
import { PRINTABLE } from "../fields.ts";
import {
  type Builder,
  builder,
  type Provenance,
  provenance,
  type Source,
  source,
  type Toolchain,
  toolchain,
} from "../release.shape.ts";
import { isResultOfFields } from "./rebuild.ts";

export type Rebuild = {
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
  /** The release that was built again */
  of:
    | {
        kind: "platform";
        /** Name: segments of a-z, 0-9, '.', '_' and '-', with '/' between them; at most 128 bytes */
        name: string;
        /** Version, as its publisher writes it */
        version: string;
        /** SHA-256 of the referenced entry's DSSE payload */
        digest: string;
      }
    | {
        kind: "os-image";
        /** Name: segments of a-z, 0-9, '.', '_' and '-', with '/' between them; at most 128 bytes */
        name: string;
        /** Version, as its publisher writes it */
        version: string;
        /** SHA-256 of the referenced entry's DSSE payload */
        digest: string;
      }
    | {
        kind: "kernel-patch-set";
        /** Name: segments of a-z, 0-9, '.', '_' and '-', with '/' between them; at most 128 bytes */
        name: string;
        /** Version, as its publisher writes it */
        version: string;
        /** SHA-256 of the referenced entry's DSSE payload */
        digest: string;
      }
    | {
        kind: "driver-build";
        /** Name: segments of a-z, 0-9, '.', '_' and '-', with '/' between them; at most 128 bytes */
        name: string;
        /** Version, as its publisher writes it */
        version: string;
        /** SHA-256 of the referenced entry's DSSE payload */
        digest: string;
      }
    | {
        kind: "gsp-firmware";
        /** Name: segments of a-z, 0-9, '.', '_' and '-', with '/' between them; at most 128 bytes */
        name: string;
        /** Version, as its publisher writes it */
        version: string;
        /** SHA-256 of the referenced entry's DSSE payload */
        digest: string;
      };
  toolchain: Toolchain;
  /** equal: some field is, and none differs */
  result: "equal" | "differs";
  fields: {
    /** Such as uki.sha256 or modules[nvidia.ko] */
    field: string;
    outcome: "equal" | "differs" | "not-reproducible";
  }[];
};

export const rebuild = object<Rebuild>(
  {
    name,
    version: releaseVersion,
    channel: name,
    svn: integer,
    builder,
    source,
    provenance: nullable(provenance),
    of: variants("kind", {
      platform: object({
        kind: oneOf("platform"),
        name,
        version: releaseVersion,
        digest: sha256,
      }),
      "os-image": object({
        kind: oneOf("os-image"),
        name,
        version: releaseVersion,
        digest: sha256,
      }),
      "kernel-patch-set": object({
        kind: oneOf("kernel-patch-set"),
        name,
        version: releaseVersion,
        digest: sha256,
      }),
      "driver-build": object({
        kind: oneOf("driver-build"),
        name,
        version: releaseVersion,
        digest: sha256,
      }),
      "gsp-firmware": object({
        kind: oneOf("gsp-firmware"),
        name,
        version: releaseVersion,
        digest: sha256,
      }),
    }),
    toolchain,
    result: oneOf("equal", "differs"),
    fields: list(
      object({
        field: string(atMost(256), matching(PRINTABLE), atLeast(1)),
        outcome: oneOf("equal", "differs", "not-reproducible"),
      }),
      atLeast(1),
      atMost(512),
    ),
  },
  rule(isResultOfFields, "the result is not that of the fields"),
);
