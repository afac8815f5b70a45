// Draws files with their sizes and digests.
import { html } from "hono/html";
import type { Html } from "../frame.ts";
import { bytes, code } from "../pieces.ts";

export interface ShownFile {
  readonly fileName: string;
  readonly sha256: string;
  readonly size: number;
}

export function fileTable(
  files: readonly ShownFile[],
  more: (file: ShownFile, i: number) => string = () => "",
): Html {
  return html`<div class="scroll" tabindex="0"><table><thead><tr><th>File</th><th>Size</th><th>SHA-256</th></tr></thead><tbody>${files.map(
    (file, i) =>
      html`<tr><td class="name">${file.fileName}${more(file, i) === "" ? "" : html`<br><span class="dim">${more(file, i)}</span>`}</td><td>${bytes(file.size)}</td><td>${code(file.sha256)}</td></tr>`,
  )}</tbody></table></div>`;
}
