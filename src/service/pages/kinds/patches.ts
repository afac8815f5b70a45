// Draws a patch series as an ordered list: what each patch is for, where it comes from, and its digest.
import { html } from "hono/html";
import type { PatchSeries } from "../../../protocol/entry/patch-series.ts";
import { toRoot } from "../frame.ts";
import { code, count } from "../pieces.ts";
import type { Section } from "./words.ts";

export function patchSection({ count: number, inline, attachment, seriesDigest }: PatchSeries): Section {
  const heading = `${count(number, "patch", "patches")}, in order of application`;
  const list =
    inline === null
      ? html`<p>The list is longer than an entry: <a href="${toRoot(1)}v1/attachments/sha256/${attachment?.digest ?? ""}">read it as an attachment</a>, whose digest the entry states.</p>`
      : html`<ol class="patches">${inline.map(
          ({ subject, purpose, origin, upstreamCommit, sha256 }) =>
            html`<li><strong>${subject}</strong>${purpose === null ? html` <span class="dim">no purpose stated</span>` : html` <span class="tag">${purpose}</span>`}<br><span class="dim">${origin}${upstreamCommit === null ? "" : `, of commit ${upstreamCommit}`}</span> ${code(`sha256:${sha256}`)}</li>`,
        )}</ol>`;
  return { heading, body: html`${list}<p class="dim">Digest of the series: ${code(seriesDigest)}</p>` };
}
