// The tables of a release file: what each describe needs beside the release's own fields. Their members are those of the describes'
// inputs, so that a table is handed on as it is; a reference is a table of the same file, or kind/name@version of a logged entry.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import * as z from "zod";
import { hex8, integer, time } from "../../protocol/entry/fields.ts";
import { osImage } from "../../protocol/entry/kinds/os-image.ts";
import { platform } from "../../protocol/entry/kinds/platform.ts";
import { toolchain } from "../../protocol/entry/release.ts";
import type { ReleaseKind } from "../../protocol/entry/release-kinds.ts";

export const TABLE_NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;

const word = z.string().min(1).max(1024);
/** A table of this file, or kind/name@version. */
export const reference = word;

/** A path relative to the release file. With `mustExist`, a path to nothing is refused where it is written. */
export function pathFrom(folder: string, mustExist: boolean) {
  const absolute = z
    .string()
    .min(1)
    .max(4096)
    .transform((path) => resolve(folder, path));
  return mustExist
    ? absolute.refine(existsSync, { error: ({ input }) => `${input} does not exist` })
    : absolute;
}
type Path = ReturnType<typeof pathFrom>;

/** What identifies a release, with the names and meanings of the describes' options. Given in [release], in a table, or both. */
export function releaseFields(path: Path) {
  return {
    name: word.exactOptional(),
    version: word.exactOptional(),
    channel: word.exactOptional(),
    svn: integer.exactOptional(),
    builder: word.exactOptional(),
    source: word.exactOptional(),
    sourceCommit: word.exactOptional(),
    sourceArchive: path.exactOptional(),
    provenance: path.exactOptional(),
    provenanceKey: path.exactOptional(),
  };
}

const patchOrigin = (path: Path) =>
  z.union(
    [
      z.strictObject({ directory: path, seriesFile: word.exactOptional() }),
      z.strictObject({ repository: path, base: word, tip: word }),
    ],
    { error: "expected { directory, seriesFile? } or { repository, base, tip }, each of them there" },
  );

const rfc3339 = z
  .union([z.date().transform((date) => new Date(date.getTime())), time.transform((text) => new Date(text))])
  .refine((date) => !Number.isNaN(date.getTime()), { error: "expected a time such as 2026-11-23T14:00:00Z" });

/** The table of each kind. */
export function artefactTables(path: Path) {
  const shared = releaseFields(path);
  const tools = toolchain.default([]);
  return {
    "kernel-patch-set": z.strictObject({
      kind: z.literal("kernel-patch-set"),
      ...shared,
      baseName: word.default("linux"),
      baseVersion: word.exactOptional(),
      baseArchive: path.exactOptional(),
      patches: patchOrigin(path),
      notes: path.exactOptional(),
      config: path.exactOptional(),
      toolchain: tools,
      outputs: z.array(path).default([]),
    }),
    "driver-build": z.strictObject({
      kind: z.literal("driver-build"),
      ...shared,
      modules: path,
      kernel: reference,
      tag: word.exactOptional(),
      commit: word.exactOptional(),
      patches: patchOrigin(path).exactOptional(),
      notes: path.exactOptional(),
      libraries: path.exactOptional(),
      sourceTree: path.exactOptional(),
      toolchain: tools,
      rim: z.strictObject({ id: word, path: path.exactOptional() }).exactOptional(),
    }),
    "gsp-firmware": z.strictObject({
      kind: z.literal("gsp-firmware"),
      ...shared,
      files: z.array(path).min(1),
      package: path.exactOptional(),
      reports: z.array(path).default([]),
    }),
    "gpu-rim": z.strictObject({
      kind: z.literal("gpu-rim"),
      ...shared,
      rim: path,
      rimId: word.exactOptional(),
      chip: word.exactOptional(),
      verifiedAt: rfc3339,
    }),
    platform: z.strictObject({
      kind: z.literal("platform"),
      ...shared,
      firmware: path.exactOptional(),
      pageAddOrder: z.enum(["single-pass", "two-pass"]).exactOptional(),
      quote: path.exactOptional(),
      eventLog: path.exactOptional(),
      acpi: z.strictObject({ loader: path, rsdp: path, tables: path }).exactOptional(),
      shape: platform.schema.shape.shape,
      tdAttributes: hex8.exactOptional(),
      xfam: hex8.exactOptional(),
    }),
    "os-image": z.strictObject({
      kind: z.literal("os-image"),
      ...shared,
      rootfs: z.strictObject({
        image: path,
        verity: path.exactOptional(),
        verityOffset: integer.exactOptional(),
        mkfsArguments: z.array(word).default([]),
        sourceDateEpoch: integer.exactOptional(),
      }),
      uki: path,
      secureBoot: z
        .strictObject({
          pk: path.exactOptional(),
          kek: path.exactOptional(),
          db: path.exactOptional(),
          dbx: path.exactOptional(),
        })
        .default({}),
      kernelConfig: path.exactOptional(),
      moduleCertificates: z.array(path).default([]),
      kernelPatchSet: reference,
      driverBuild: reference,
      eventLog: path,
      disk: path.exactOptional(),
      removedFromTcb: osImage.schema.shape.removedFromTcb.default({
        packages: [],
        daemons: [],
        kernelModules: [],
      }),
    }),
  } as const satisfies Record<ReleaseKind, z.ZodType>;
}

/** A statement that another step of the build has written, with its attachments beside it. */
export function statementTable(path: Path) {
  return z.strictObject({ kind: word, statement: path });
}

type Tables = ReturnType<typeof artefactTables>;
export type DescribedTable<K extends ReleaseKind = ReleaseKind> = { [Kind in K]: z.infer<Tables[Kind]> }[K];
