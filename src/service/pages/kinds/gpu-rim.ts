// Says in words what a GPU RIM is: NVIDIA's golden measurements of a driver or VBIOS, as they were when somebody checked them.
import { activeRows, rimSections } from "./rim-sections.ts";
import type { KindWords } from "./words.ts";

export const gpuRimWords: KindWords<"gpu-rim"> = {
  kind: "gpu-rim",
  title: "GPU reference measurements",
  plural: "GPU reference measurements",
  sentence: ({ rim, table }) =>
    `What an NVIDIA ${rim.product} with ${rim.covers === "vbios" ? "VBIOS" : "driver"} ${rim.componentVersion} must report: ${activeRows(table)} by NVIDIA's own manifest.`,
  sections: rimSections,
};
