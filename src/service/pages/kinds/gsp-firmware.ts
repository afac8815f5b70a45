// Says in words what GSP firmware is: files, and the identities that devices running it were seen to report.
import { html } from "hono/html";
import { code } from "../pieces.ts";
import { fileTable } from "./files.ts";
import type { KindWords } from "./words.ts";

export const gspFirmwareWords: KindWords<"gsp-firmware"> = {
  kind: "gsp-firmware",
  title: "GSP firmware",
  plural: "GSP firmware",
  sentence: ({ firmwareVersion, files }) =>
    `Firmware ${firmwareVersion} of the GPU System Processor, for ${[...new Set(files.flatMap(({ chips }) => chips))].join(", ")}.`,
  sections: ({ files, observedFwids, package: from }) => [
    {
      heading: "Files",
      body: html`${fileTable(files, (_, i) => `for ${files[i]?.chips.join(", ") ?? ""}`)}${from === null ? "" : html`<p>From package ${from.name} ${from.version}.</p>`}`,
    },
    {
      heading: "Identities seen in reports",
      body:
        observedFwids.length === 0
          ? html`<p>None stated.</p>`
          : html`<ul>${observedFwids.map(({ fwid, report }) => html`<li>FWID ${code(fwid)} <span class="dim">in the report ${code(`sha256:${report}`)}</span></li>`)}</ul><p class="dim">Observed in reports, never computed from the files.</p>`,
    },
  ],
};
