// Reads TDX firmware as a whole: what MRTD would be in either order of adding pages, the configuration volume and its variables, and what
// its code says of how it measures.
import type { FileHash } from "../files/random-access.ts";
import { type Digests, digestContent, withFile } from "../files/random-access.ts";
import { computeMrtd, type PageAddOrder, readTdvfSections, type TdvfSection } from "../formats/tdvf.ts";
import { type FirmwareCode, readFirmwareCode } from "./firmware-code.ts";
import { readVariableStore, type Variables } from "./variable-store.ts";

const CONFIGURATION_VOLUME = 1;

export interface Firmware {
  readonly fileName: string;
  readonly digests: Digests<FileHash>;
  readonly sections: readonly TdvfSection[];
  readonly mrtd: Readonly<Record<PageAddOrder, string>>;
  /** SHA-384 of the configuration volume, hex; null where the firmware has none. */
  readonly cfv: string | null;
  /** Null where the configuration volume holds no store of variables; `storeFault` says why. */
  readonly variables: Variables | null;
  readonly storeFault: string | null;
  readonly code: FirmwareCode | null;
}

/** @throws MalformedError on a file without TDX metadata, or with metadata that do not fit it. */
export async function readFirmware(path: string): Promise<Firmware> {
  return await withFile(path, "TDX firmware", async (file) => {
    const sections = await readTdvfSections(file);
    const mrtd = {
      "single-pass": await computeMrtd(file, sections, "single-pass"),
      "two-pass": await computeMrtd(file, sections, "two-pass"),
    };
    const volume = sections.find(({ type }) => type === CONFIGURATION_VOLUME);
    const part = volume && file.part(volume.dataOffset, volume.rawSize, "configuration volume of");
    const store = part && (await readVariableStore(part).catch((error: Error) => error));
    return {
      fileName: file.name,
      digests: await digestContent(file, ["sha256", "sha384"]),
      sections,
      mrtd,
      cfv: part ? (await digestContent(part, ["sha384"])).sha384 : null,
      variables: store === undefined || store instanceof Error ? null : store,
      storeFault: store instanceof Error ? store.message : null,
      code: await readFirmwareCode(file),
    };
  });
}
