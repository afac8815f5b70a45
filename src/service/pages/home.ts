// Makes the page at "/": what this log is and what it is not, what is in force, what was revoked, and its newest releases. For people;
// everything on it is in the API too.
import { html } from "hono/html";
import type { Kind } from "../../protocol/entry/kinds.ts";
import type { NamedEntry } from "../entries/read-entry.ts";
import { framed, type Html, type Site } from "./frame.ts";
import { wordsOf } from "./kinds/list.ts";
import { copyable, count, elapsed, type Fact, factList, validity } from "./pieces.ts";

/** Who runs the log, as the configuration states it. */
export interface Operator {
  readonly name?: string | undefined;
  readonly url?: string | undefined;
  readonly contact?: string | undefined;
  readonly security?: string | undefined;
}

export interface Overview {
  readonly now: Date;
  readonly operator: Operator;
  readonly log: {
    readonly size: number;
    /** Root hash, base64. */
    readonly root: string;
    readonly cosignedAt: Date;
    readonly accepting: boolean;
    readonly cosigners: Cosigners;
  } | null;
  readonly trustRoot: {
    readonly index: number;
    readonly version: number;
    readonly expires: string;
    /** Digest of version 1: what a verifier pins. */
    readonly pin: string;
  } | null;
  readonly status: { readonly index: number; readonly sequence: number; readonly expires: string } | null;
  /** `refused`: why no verifier would accept the bundle now, or null. */
  readonly policies: ReadonlyArray<{
    readonly name: string;
    readonly version: number;
    readonly expires: string;
    readonly refused: string | null;
  }>;
  readonly revocations: ReadonlyArray<{
    readonly index: number;
    readonly name: string;
    readonly reason: string;
  }>;
  /** Newest of each release kind, in the order of the kinds. */
  readonly releases: ReadonlyArray<{
    readonly kind: Kind;
    readonly entries: readonly NamedEntry[];
  }>;
}

/** Who stands behind a checkpoint. */
export interface Cosigners {
  /** Names of the witnesses that cosigned it, by the trust root's policy. */
  readonly names: readonly string[];
  /** Names among them that the log runs itself. */
  readonly own: readonly string[];
  readonly witnesses: number;
}

export function homePage(site: Site, overview: Overview): Html {
  const { log } = overview;
  return framed(site, {
    title: "What may run",
    description: `The transparency log ${site.origin}: which confidential machines its publishers vouch for.`,
    depth: 0,
    scripts: ["copy", "drop-file"],
    main: html`<h1>${breakable(site.origin)}</h1>
<p class="lead">This log says which confidential machines its publishers vouch for: firmware, kernel, image, driver and GPU. Verifiers fetch its policies before they trust a machine. What was logged cannot be taken back without leaving a trace, as far as independent witnesses watch; whether it is <em>good</em>, a log cannot say.</p>
${searchForm("./", "")}
${log === null ? html`<p class="notice">The log has not published a checkpoint yet.</p>` : treeSection(log, overview.now)}
${trustSection(overview)}
${policySection(overview)}
${revocationSection(overview)}
${releaseSection(overview)}`,
  });
}

/** The search box; a file that is dropped on it is hashed by the script beside it, and never sent. */
export function searchForm(root: string, query: string): Html {
  return html`<form class="search" action="${root}search" role="search"><label for="q">Find a digest, a measurement, a name, a key or an index</label>
<div><input id="q" name="q" value="${query}" autocomplete="off" spellcheck="false" maxlength="256"><button type="submit">Search</button></div>
<p class="dim" id="drop" hidden>or drop a file here, or <label class="file">choose one<input id="drop-file" type="file"></label>: your browser computes its SHA-256, the file is not uploaded. <output id="drop-progress"></output></p></form>`;
}

/** Where a long origin may break: at its dots and slashes, never inside a word. */
export function breakable(text: string): Html {
  return html`${text.split(/(?<=[./])/).map((part) => html`${part}<wbr>`)}`;
}

function treeSection(
  { size, root, cosignedAt, accepting, cosigners }: NonNullable<Overview["log"]>,
  now: Date,
): Html {
  return html`<section class="facts" aria-label="Tree">
<div><span class="label">Entries</span><strong><a href="log">${size.toLocaleString("en")}</a></strong></div>
<div><span class="label">Cosigned</span><strong>${elapsed(now, cosignedAt)}</strong></div>
<div><span class="label">Taking entries</span><strong class="${accepting ? "good" : "bad"}">${accepting ? "yes" : "stopped"}</strong></div>
<div class="wide"><span class="label">Watched by</span>${watchers(cosigners)}</div>
<div class="wide"><span class="label">Root hash</span><code>${root}</code></div>
</section>`;
}

function watchers({ names, own, witnesses }: Cosigners): Html {
  const others = names.filter((name) => !own.includes(name));
  if (others.length > 0) {
    return html`<strong>${count(others.length, "witness", "witnesses")} that this log does not run itself</strong>, of ${witnesses} in its trust root: ${others.join(", ")}. Each has seen that the log only grew.`;
  }
  return html`<strong class="bad">nobody else</strong>: ${names.length === 0 ? "no witness cosigned the newest checkpoint" : "its only cosigner is the log itself"}. Nobody independent has seen that everyone is shown the same log, so rewriting it would be noticed only by those who remember an earlier tree.`;
}

function trustSection({ operator, trustRoot, status, now }: Overview): Html {
  const facts: Fact[] = [["Run by", operatorHtml(operator)]];
  if (trustRoot !== null) {
    facts.push(
      [
        "Pin",
        html`${copyable(trustRoot.pin)}<br><span class="dim">digest of trust root version 1. Compare it with what you were given by other means; this page alone proves nothing.</span>`,
      ],
      [
        "Who may do what",
        html`<a href="entries/${trustRoot.index}">trust root version ${trustRoot.version}</a>, good until ${validity(now, trustRoot.expires)}`,
      ],
    );
  }
  if (status !== null)
    facts.push([
      "Status",
      html`<a href="entries/${status.index}">number ${status.sequence}</a>, good until ${validity(now, status.expires)}`,
    ]);
  return html`<section><h2>Who, and from where to trust</h2>${factList(facts)}</section>`;
}

function operatorHtml({ name, url, contact, security }: Operator): Html {
  const parts = [
    name === undefined ? null : html`<strong>${name}</strong>`,
    url === undefined ? null : html`<a href="${url}" rel="noreferrer">${url}</a>`,
    contact === undefined ? null : html`contact ${contact}`,
    security === undefined ? null : html`security ${security}`,
  ].filter((part) => part !== null);
  return parts.length === 0
    ? html`not stated`
    : html`${parts.map((part, i) => html`${i > 0 ? " · " : ""}${part}`)}`;
}

function policySection({ policies, now }: Overview): Html {
  if (policies.length === 0)
    return html`<section><h2>Policies</h2><p>None yet: no machine can be accepted by this log.</p></section>`;
  const rows = policies.map(
    ({ name, version, expires, refused }) =>
      html`<li><a href="policies/${encodeURIComponent(name)}">${name}</a> version ${version} <span class="dim">until</span> ${validity(now, expires)}${refused === null ? "" : html` <strong class="bad">verifiers refuse it now: ${refused}</strong>`}</li>`,
  );
  return html`<section><h2>Policies in force</h2><ul class="rows">${rows}</ul></section>`;
}

function revocationSection({ revocations }: Overview): Html {
  if (revocations.length === 0)
    return html`<section><h2>Revocations</h2><p>Nothing has been revoked.</p></section>`;
  return html`<section><h2>Revocations</h2><ul class="rows">${revocations.map(({ index, name, reason }) => html`<li><a href="entries/${index}">${name}</a>: “${reason}”</li>`)}</ul></section>`;
}

function releaseSection({ releases }: Overview): Html {
  const groups = releases.filter(({ entries }) => entries.length > 0);
  if (groups.length === 0) return html`<section><h2>Releases</h2><p>None yet.</p></section>`;
  return html`<section><h2>Newest releases</h2>${groups.map(
    ({ kind, entries }) =>
      html`<h3>${wordsOf(kind).plural}</h3><ul class="rows">${entries.map(({ index, name, version, revoked }) => html`<li><a href="entries/${index}">${name} ${version}</a> <span class="dim">entry ${index}</span>${revoked ? html` <strong class="bad">revoked</strong>` : ""}</li>`)}</ul>`,
  )}</section>`;
}
