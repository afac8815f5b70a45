// Lists what pages say of each kind. A kind that is not here is shown by its values alone, which every kind has.
import type { Kind } from "../../../protocol/entry/kinds.ts";
import { DOCUMENT_WORDS } from "./documents.ts";
import { driverBuildWords } from "./driver-build.ts";
import { gpuRimWords } from "./gpu-rim.ts";
import { gspFirmwareWords } from "./gsp-firmware.ts";
import { kernelPatchSetWords } from "./kernel-patch-set.ts";
import { osImageWords } from "./os-image.ts";
import { platformWords } from "./platform.ts";
import { switchRimWords } from "./switch-rim.ts";
import type { KindWords } from "./words.ts";

const WORDS = [
  platformWords,
  osImageWords,
  kernelPatchSetWords,
  driverBuildWords,
  gspFirmwareWords,
  gpuRimWords,
  switchRimWords,
  ...DOCUMENT_WORDS,
] as const;

const BY_KIND = new Map<string, KindWords>(WORDS.map((words) => [words.kind, words as unknown as KindWords]));

export function wordsOf(kind: Kind): KindWords {
  return BY_KIND.get(kind) ?? { kind, title: kind, plural: kind, sentence: () => "", sections: () => [] };
}
