// Reads what a policy asks of the evidence and no entry states: a TOML or JSON file of tdx, gpu and binding, or a table of a release file.
import * as z from "zod";
import { readAs } from "../../protocol/encoding/shape.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import { BOOT_PATHS } from "../../protocol/entry/boot.ts";
import { gpuRequirements, policy, tdxRequirements } from "../../protocol/entry/policy.ts";
import { parseJson } from "../../protocol/envelope/parse-json.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { parseToml } from "../parse-toml.ts";

const FORMAT = "requirements";
/** Four times what an entry can hold. */
const MAX_BYTES = 256 * 1024;

/**
 * Members of a profile. `bootPath` may be left out where the image states measurements of one alone, and `rebuilds`
 * where none are asked for. Those of `gpu` that may be left out are read from the entries that the profile names, or are the strict ones;
 * `requiredAttributes` are all of them unless given.
 */
export const requirements = z.strictObject({
  bootPath: z.enum(BOOT_PATHS).optional(),
  rebuilds: policy.shape.rebuilds.optional(),
  tdx: tdxRequirements.partial({ requiredAttributes: true }),
  gpu: gpuRequirements.partial({
    count: true,
    driverVersions: true,
    vbiosVersions: true,
    rimTables: true,
    fwids: true,
    mode: true,
    modeNotStated: true,
    ccMode: true,
    devtools: true,
  }),
  binding: policy.shape.profiles.element.shape.binding,
});
export type Requirements = z.infer<typeof requirements>;

/** @throws MalformedError with the line of a fault in the text, or the JSON pointer of a member that is missing or wrong. */
export function parseRequirements(bytes: Uint8Array): Requirements {
  if (bytes.length > MAX_BYTES) throw new MalformedError(FORMAT, `longer than ${MAX_BYTES} bytes`);
  const text = decodeUtf8(bytes);
  // A JSON object begins with a brace, which no TOML document does.
  const value = text.trimStart().startsWith("{") ? parseJson(text, MAX_BYTES) : parseToml(text, FORMAT);
  return readAs(requirements, value, FORMAT);
}
