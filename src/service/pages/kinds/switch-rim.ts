// Says in words what a switch RIM is: NVIDIA's golden measurements of an NVSwitch's VBIOS, as they were when somebody checked them.
import { activeRows, rimSections } from "./rim-sections.ts";
import type { KindWords } from "./words.ts";

export const switchRimWords: KindWords<"switch-rim"> = {
  kind: "switch-rim",
  title: "NVSwitch reference measurements",
  plural: "NVSwitch reference measurements",
  sentence: ({ rim, table }) =>
    `What an NVIDIA ${rim.product} switch with VBIOS ${rim.componentVersion} must report: ${activeRows(table)} by NVIDIA's own manifest.`,
  sections: rimSections,
};
