// Draws what the pages of GPU and switch RIMs have in common: the manifest, who signed it, and its golden table.
import { html } from "hono/html";
import type { GpuRim } from "../../../protocol/entry/kinds/gpu-rim.ts";
import type { SwitchRim } from "../../../protocol/entry/kinds/switch-rim.ts";
import { code, count, factList, moment } from "../pieces.ts";

type Rim = GpuRim | SwitchRim;
type Row = Rim["table"][number];

export function activeRows(table: Rim["table"]): string {
  return count(table.filter(({ active }) => active).length, "measurement");
}

export function rimSections({ rim, tableDigest, table, signers, verifiedAt }: Rim) {
  return [
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
      body: html`<details><summary>${count(table.length, "row")}</summary><ol start="0">${table.map(row)}</ol></details>`,
    },
  ];
}

function row(row: Row) {
  const values = "minSvn" in row ? [`security version at least ${row.minSvn}`] : row.alternatives.map(code);
  return html`<li value="${row.index}">${row.active ? "" : html`<span class="dim">not compared </span>`}${values.map((value) => html`${value} `)}</li>`;
}
