// Reads the sidecar file of a series: what no program can read out of a patch. TOML, or JSON when its name ends in .json; a table
// from a patch's file name to its purpose, or to {purpose, origin, embargoed}.
import { parse as parseToml } from "smol-toml";
import * as z from "zod";
import { readAs } from "../../../protocol/encoding/shape.ts";
import { decodeUtf8 } from "../../../protocol/encoding/text.ts";
import { type Patch, patchOrigin, patchPurpose } from "../../../protocol/entry/patch-series.shape.ts";
import { parseJson } from "../../../protocol/envelope/parse-json.ts";
import { MalformedError } from "../../../protocol/errors.ts";
import { zodOf } from "../../zod-of.ts";
import { withFile } from "../files/random-access.ts";

const FORMAT = "patch notes";
const MAX_NOTES = 1024 * 1024;

const note = z.strictObject({
  purpose: zodOf(patchPurpose),
  origin: zodOf(patchOrigin).optional(),
  embargoed: z.boolean().default(false),
});
const notes = z.record(
  z.string(),
  z.union([note, note.shape.purpose.transform((purpose) => ({ purpose, embargoed: false }))]),
);

export interface PatchNote {
  readonly purpose: string;
  /** Wins over what the patch itself says. */
  readonly origin?: Patch["origin"] | undefined;
  /** The entry names the patch by digest alone, until a later release may say more. */
  readonly embargoed: boolean;
}
export type PatchNotes = ReadonlyMap<string, PatchNote>;

/** @throws MalformedError when it is neither TOML nor JSON of that form, or over 1 MiB. */
export async function readPatchNotes(path: string): Promise<PatchNotes> {
  const text = await withFile(path, FORMAT, async (file) => {
    if (file.size > MAX_NOTES) throw file.malformed(`${file.size} bytes, at most ${MAX_NOTES} are read`, 0);
    return decodeUtf8(await file.read(0, file.size, "the notes"));
  });
  return new Map(Object.entries(readAs(notes, parse(text, path), `${FORMAT} ${path}`)));
}

function parse(text: string, path: string): unknown {
  if (path.endsWith(".json")) return parseJson(text, MAX_NOTES);
  try {
    return parseToml(text);
  } catch (error) {
    throw new MalformedError(`${FORMAT} ${path}`, `not TOML: ${(error as Error).message}`);
  }
}
