// Makes the page of the log itself: how it grew, who cosigned what, who may do what and since when, and a place to check consistency.
import { html } from "hono/html";
import type { TrustRoot } from "../../protocol/entry/trust-root.ts";
import { framed, type Html, type Site } from "./frame.ts";
import { growthPlot, type Point } from "./growth.ts";
import { rolesOf } from "./kinds/documents.ts";
import { code, count, type Fact, factList, moment } from "./pieces.ts";

export interface LogView {
  readonly size: number;
  /** Steps of the growth, oldest first, spread over the whole life of the log. */
  readonly growth: readonly Point[];
  /** Some checkpoints, newest first: the first published one at each of the newest of these steps. */
  readonly checkpoints: ReadonlyArray<{
    readonly size: number;
    readonly cosignedAt: string;
    readonly root: string;
    readonly cosigners: ReadonlyArray<{ readonly name: string; readonly at: string }>;
  }>;
  /** Newest first. */
  readonly trustRoots: ReadonlyArray<{ readonly index: number; readonly root: TrustRoot }>;
  /** Newest first. */
  readonly statuses: ReadonlyArray<{
    readonly index: number;
    readonly sequence: number;
    readonly issuedAt: string;
    readonly expires: string;
  }>;
}

export function logPage(site: Site, view: LogView): Html {
  const { size, growth, checkpoints, trustRoots, statuses } = view;
  return framed(site, {
    title: "The log",
    description: `How ${site.origin} grew to ${count(size, "entry", "entries")}, and who cosigned it.`,
    depth: 0,
    scripts: ["consistency"],
    main: html`<h1>The log</h1>
<p class="lead">${count(size, "entry", "entries")}, each at its place for ever. A checkpoint is the log's signature under all of them; a cosignature is a witness' word that it saw only growth.</p>
${hasGrown(growth) ? growthPlot(growth) : ""}
${consistencySection(site, size)}
<section><h2>Checkpoints along the way</h2>${checkpointTable(checkpoints)}<p><a href="v1/checkpoints">All of them, by the API</a></p></section>
<section><h2>Who may do what, and since when</h2>${trustRoots.map((placed, i) => trustRootPart(placed, trustRoots[i + 1]?.root))}</section>
<section><h2>Newest statuses</h2><ul class="rows">${statuses.map(({ index, sequence, issuedAt, expires }) => html`<li><a href="entries/${index}">number ${sequence}</a> <span class="dim">issued</span> ${moment(issuedAt)} <span class="dim">good until</span> ${moment(expires)}</li>`)}</ul></section>`,
  });
}

/** A log whose checkpoints are all of one moment has no growth to look at. */
function hasGrown(growth: readonly Point[]): boolean {
  return growth.some(({ time }) => time !== growth[0]?.time);
}

function consistencySection({ url }: Site, size: number): Html {
  const half = Math.max(1, Math.floor(size / 2));
  return html`<section id="consistency"><h2>Did it only grow?</h2>
<p>Between any two sizes there is a proof that the larger tree begins with the smaller one, unchanged. Your browser can check it.</p>
<noscript><p class="notice">That needs JavaScript; <code>touchstone audit ${url} --trust trust-root.json</code> checks more, on your machine.</p></noscript>
<div id="consistency-form" hidden><label for="from">From size</label><input id="from" inputmode="numeric" value="${half}"><label for="to">to size</label><input id="to" inputmode="numeric" value="${size}"><button id="consistency-run" type="button">Check</button></div>
<div id="consistency-result" aria-live="polite"></div></section>`;
}

function checkpointTable(checkpoints: LogView["checkpoints"]): Html {
  return html`<div class="scroll" tabindex="0"><table><thead><tr><th>Size</th><th>Cosigned</th><th>By</th><th>Root hash</th></tr></thead><tbody>${checkpoints.map(
    ({ size, cosignedAt, root, cosigners }) =>
      html`<tr><td>${size}</td><td>${moment(cosignedAt)}</td><td class="name">${cosigners.map(({ name, at }, i) => html`${i > 0 ? ", " : ""}<span title="${at}">${name}</span>`)}</td><td>${code(root)}</td></tr>`,
  )}</tbody></table></div>`;
}

/** What a trust root lets whom do, and what changed against the one before it. */
function trustRootPart({ index, root }: LogView["trustRoots"][number], before: TrustRoot | undefined): Html {
  const gained =
    before === undefined ? [] : rightsOf(root).filter((right) => !rightsOf(before).includes(right));
  const lost =
    before === undefined ? [] : rightsOf(before).filter((right) => !rightsOf(root).includes(right));
  const changes: Fact[] = [
    ...gained.map((right): Fact => ["gained", right]),
    ...lost.map((right): Fact => ["lost", right]),
  ];
  return html`<details${before === undefined ? "" : html` open`}><summary>Version ${root.version}, entry ${index}, good until ${moment(root.expires)}</summary>${before === undefined ? "" : changes.length === 0 ? html`<p>No key gained or lost a role.</p>` : factList(changes)}${factList(rolesOf(root))}<p><a href="entries/${index}">The entry</a></p></details>`;
}

/** Each right of each key, as one line of text. */
function rightsOf({ roles }: TrustRoot): string[] {
  const { root, publisher, policy, revocation, status } = roles;
  const lines = (right: string, keys: readonly string[]) => keys.map((key) => `${key}: ${right}`);
  return [
    ...lines("change the trust root", root.keys),
    ...publisher.flatMap(({ keys, kinds, names }) =>
      lines(`publish ${kinds.join(", ")} named ${names.join(", ")}`, keys),
    ),
    ...policy.flatMap(({ keys, names }) => lines(`publish policies named ${names.join(", ")}`, keys)),
    ...lines("revoke", revocation.keys),
    ...lines("issue statuses", status.keys),
  ];
}
