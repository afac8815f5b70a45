// Says in words what a GPU RIM is: NVIDIA's golden measurements of a driver or VBIOS, as they were when somebody checked them.
import { html } from "hono/html";
import { code, count, factList, moment } from "../pieces.ts";
import type { KindWords } from "./words.ts";

export const gpuRimWords: KindWords<"gpu-rim"> = {
  kind: "gpu-rim",
  title: "GPU reference measurements",
  plural: "GPU reference measurements",
  sentence: ({ rim, table }) =>
    `What an NVIDIA ${rim.product} with ${rim.covers === "vbios" ? "VBIOS" : "driver"} ${rim.componentVersion} must report: ${count(table.filter(({ active }) => active).length, "measurement")} by NVIDIA's own manifest.`,
  sections: ({ rim, tableDigest, table, signers, verifiedAt }) => [
    {
      heading: "Manifest",
      body: factList([
        ["RIM id", code(rim.id)],
        ["File", code(`sha256:${rim.sha256}`)],
        ["Golden table", code(`sha256:${tableDigest}`)],
        ["Signature checked", moment(verifiedAt)],
        ...signers.map(
          ({ subject, notAfter }, i) =>
            [
              i === 0 ? "Signed by" : "issued by",
              html`${subject} <span class="dim">until ${moment(notAfter)}</span>`,
            ] as const,
        ),
      ]),
    },
    {
      heading: "Golden measurements",
      body: html`<details><summary>${count(table.length, "row")}</summary><ol start="0">${table.map(({ index, active, alternatives }) => html`<li value="${index}">${active ? "" : html`<span class="dim">not compared </span>`}${alternatives.map((digest) => html`${code(digest)} `)}</li>`)}</ol></details>`,
    },
  ],
};
