// Reads what `touchstone measure` computes from: options, and a TOML file of the same words whose paths are relative to it.
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import * as z from "zod";
import { readAs } from "../protocol/encoding/shape.ts";
import { LAYOUTS, VMMS } from "../protocol/entry/boot.ts";
import {
  BOOT_WAYS,
  bootOptionTable,
  pciPlace,
  readBootOption,
  readPciPlace,
  SECURE_BOOT_STATES,
} from "../publisher/describe/boot/boot-fields.ts";
import type { MeasureInput } from "../publisher/describe/boot/measure.ts";
import { given } from "../publisher/describe/describer.ts";
import type { PageAddOrder } from "../publisher/describe/formats/tdvf.ts";
import { parseToml } from "../publisher/parse-toml.ts";
import { UsageError } from "./context.ts";
import { bytesOf } from "./options.ts";

const FORMAT = "measure file";
const PAGE_ADD = ["single-pass", "two-pass"] as const;

/** As commander has them. */
export interface MeasureOptions {
  readonly firmware?: string;
  readonly pageAdd?: PageAddOrder;
  readonly vmm?: MeasureInput["vmm"];
  readonly memory?: number;
  readonly nodeMemory?: readonly number[];
  readonly layout?: MeasureInput["layout"];
  readonly boot?: MeasureInput["boot"];
  readonly uki?: string;
  readonly kernel?: string;
  readonly initrd?: string;
  readonly append?: string;
  readonly disk?: string;
  readonly diskDevice?: string;
  readonly bootOption?: readonly string[];
  readonly acpi?: string;
  readonly secureBoot?: MeasureInput["secureBoot"];
  readonly pk?: string;
  readonly kek?: string;
  readonly db?: string;
  readonly dbx?: string;
}

function tableIn(folder: string) {
  const path = z
    .string()
    .min(1)
    .transform((name) => resolve(folder, name));
  const size = z.union([z.int().positive(), z.string().transform(sizeOf)]);
  return z.strictObject({
    firmware: path.exactOptional(),
    pageAdd: z.enum(PAGE_ADD).exactOptional(),
    vmm: z.enum(VMMS).exactOptional(),
    memory: size.exactOptional(),
    nodeMemory: z.array(size).exactOptional(),
    layout: z.enum(LAYOUTS).exactOptional(),
    boot: z.enum(BOOT_WAYS).exactOptional(),
    uki: path.exactOptional(),
    kernel: path.exactOptional(),
    initrd: path.exactOptional(),
    append: z.string().max(4096).exactOptional(),
    disk: path.exactOptional(),
    diskDevice: pciPlace.exactOptional(),
    bootOptions: z.array(bootOptionTable(path)).exactOptional(),
    acpi: path.exactOptional(),
    secureBoot: z.enum(SECURE_BOOT_STATES).exactOptional(),
    pk: path.exactOptional(),
    kek: path.exactOptional(),
    db: path.exactOptional(),
    dbx: path.exactOptional(),
  });
}

function sizeOf(text: string, context: z.core.$RefinementCtx): number {
  const bytes = bytesOf(text);
  if (bytes !== undefined) return bytes;
  context.addIssue({ code: "custom", message: "expected bytes, or a number with K, M, G or T" });
  return z.NEVER;
}

/** @throws UsageError where neither says how the image is started, or both an image and a kernel are named; MalformedError of the file. */
export function readMeasureInput(file: string | undefined, options: MeasureOptions): MeasureInput {
  const { diskDevice, bootOption, ...rest } = options;
  const known = Object.keys(tableIn("").shape);
  const typed = Object.fromEntries(Object.entries(rest).filter(([key]) => known.includes(key)));
  const said = {
    ...(file === undefined ? {} : readTable(file)),
    ...typed,
    ...given({
      diskDevice: diskDevice === undefined ? undefined : readPciPlace(diskDevice),
      bootOptions: bootOption?.map(readBootOption),
    }),
  } as z.infer<ReturnType<typeof tableIn>>;
  const { boot, pageAdd, nodeMemory, append, pk, kek, db, dbx, ...others } = said;
  if (boot === undefined) throw new UsageError("say how the image is started: --boot kernel or --boot disk");
  if (others.uki !== undefined && others.kernel !== undefined)
    throw new UsageError("give --uki or --kernel, not both");
  const secureBootFiles = given({ pk, kek, db, dbx });
  return {
    ...others,
    boot,
    secureBootFiles,
    ...given({ pageAddOrder: pageAdd, nodes: nodeMemory, commandLine: append }),
  };
}

function readTable(file: string) {
  const table = parseToml(readFileSync(file, "utf8"), FORMAT);
  return readAs(tableIn(dirname(resolve(file))), table, FORMAT);
}
