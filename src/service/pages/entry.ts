// Makes the page of one entry: what it says in plain words, who signed it and why that was allowed, what refers to it, and the proof,
// which the reader's own browser can check.
import { html } from "hono/html";
import { describeReference, type Reference } from "../../protocol/entry/reference.ts";
import type { Statement } from "../../protocol/envelope/statement.ts";
import type { Rule } from "../../protocol/registration/authorisation.ts";
import type { Coverage, NamedEntry } from "../entries/read-entry.ts";
import { type Difference, differenceTable } from "./differences.ts";
import { framed, type Html, type Site } from "./frame.ts";
import { wordsOf } from "./kinds/list.ts";
import { code, copyable, factList, moment, pinForm } from "./pieces.ts";
import { statementTree } from "./statement-tree.ts";

export interface EntryView {
  readonly index: number;
  readonly statement: Statement;
  /** The statement as it was signed. */
  readonly json: Record<string, unknown>;
  readonly payloadDigest: string;
  readonly leafHash: string;
  /** Keys, and identity rules with the time at which the log took what was published by them. */
  readonly signers: readonly string[];
  readonly identities: readonly string[];
  readonly recordedAt: string | null;
  /** Whether an entry with an identity was cosigned too late to count for anybody. */
  readonly isUnconfirmed: boolean;
  readonly loggedBy: Pick<Coverage, "size" | "cosignedAt">;
  readonly revokedBy: ReadonlyArray<{ readonly index: number; readonly reason: string }>;
  /** Why its signatures were enough. Null for a trust root: its own root keys, and those of the one before it, decide. */
  readonly allowedBy: { readonly trustRoot: number; readonly at: number; readonly rule: Rule } | null;
  /** Where the entries that it names are, by payload digest. */
  readonly places: ReadonlyMap<string, number>;
  /** What refers to it, newest first; `more` when there is more than that. */
  readonly usedBy: { readonly entries: readonly NamedEntry[]; readonly more: boolean };
  /** Names of the policies whose newest version refers to it. */
  readonly inForceIn: readonly string[];
  /** The release of the same name before it, and what differs. */
  readonly before: {
    readonly index: number;
    readonly version: string;
    readonly differences: readonly Difference[];
  } | null;
  /** The newest of the same name, where that is another one. */
  readonly newer: NamedEntry | null;
}

const DEPTH = 1;

export function entryPage(site: Site, view: EntryView): Html {
  const { statement, index } = view;
  const words = wordsOf(statement.kind);
  const sentence = words.sentence(statement.predicate);
  const link = (reference: Reference) => referenceLink(reference, view.places);
  return framed(site, {
    title: `${words.title} ${statement.name} ${statement.version}`,
    description: sentence,
    depth: DEPTH,
    scripts: ["copy", "check-entry"],
    main: html`<p class="kicker"><a href="../search?q=${encodeURIComponent(statement.name)}">${words.title}</a> · entry ${index}</p>
<h1>${statement.name} <span class="version">${statement.version}</span></h1>
<p class="lead">${sentence}</p>
${standing(view)}
${words.sections(statement.predicate, link).map(({ heading, body }) => section(heading, body))}
${beforeSection(view)}
${usedSection(view)}
${section("Who signed it, and why that was allowed", signedBy(view))}
${checkSection(site, view)}
${section("Everything that it states", rawSection(view))}`,
  });
}

function section(heading: string, body: Html): Html {
  return html`<section><h2>${heading}</h2>${body}</section>`;
}

/** What a reader must not miss, before anything else. */
function standing({ revokedBy, newer, inForceIn, isUnconfirmed, statement }: EntryView): Html {
  if (revokedBy.length > 0) {
    return html`<div class="notice alarm" role="status"><strong>Revoked.</strong> ${revokedBy.map(({ index, reason }) => html`<p>By <a href="${index}">entry ${index}</a>: “${reason}”</p>`)}</div>`;
  }
  const facts = [
    ...(isUnconfirmed
      ? [
          html`<strong>Unconfirmed.</strong> No checkpoint over it was cosigned soon after the log says that it took it: it counts for no verifier.`,
        ]
      : []),
    ...(inForceIn.length === 0
      ? []
      : [
          html`In force: ${inForceIn.map((name, i) => html`${i > 0 ? ", " : ""}policy <a href="../policies/${encodeURIComponent(name)}">${name}</a>`)}.`,
        ]),
    ...(newer === null
      ? []
      : [
          html`A newer one is logged: <a href="${newer.index}">${newer.version}</a>. Logged is not in force: a policy decides.`,
        ]),
    ...(inForceIn.length === 0 && statement.kind !== "policy" && "svn" in statement.predicate
      ? [html`No policy in force accepts it.`]
      : []),
  ];
  return facts.length === 0
    ? html``
    : html`<div class="notice">${facts.map((fact) => html`<p>${fact}</p>`)}</div>`;
}

function referenceLink(reference: Reference, places: ReadonlyMap<string, number>): Html {
  const at = places.get(reference.digest);
  const label = describeReference(reference);
  return at === undefined ? html`${label} ${code(reference.digest)}` : html`<a href="${at}">${label}</a>`;
}

function beforeSection({ before, statement }: EntryView): Html {
  if (before === null) return html``;
  return section(
    `Since ${before.version}`,
    html`<p>The ${wordsOf(statement.kind).title.toLowerCase()} of this name before it is <a href="${before.index}">${before.version}</a>. What differs:</p>${differenceTable(before.differences)}`,
  );
}

function usedSection({ usedBy }: EntryView): Html {
  if (usedBy.entries.length === 0) return html``;
  return section(
    "What refers to it",
    html`<ul class="rows">${usedBy.entries.map(({ index, kind, name, version }) => html`<li><a href="${index}">${wordsOf(kind).title} ${name} ${version}</a> <span class="dim">entry ${index}</span></li>`)}</ul>${usedBy.more ? html`<p class="dim">and older ones</p>` : ""}`,
  );
}

function signedBy(view: EntryView): Html {
  const { signers, identities, recordedAt, allowedBy, loggedBy, payloadDigest, leafHash } = view;
  const why =
    allowedBy === null
      ? "A threshold of its own root keys signed it, and of those of the trust root before it."
      : html`<a href="${allowedBy.at}">Trust root version ${allowedBy.trustRoot}</a>, in force at this index, lets ${allowedBy.rule.threshold} of ${allowedBy.rule.keys.length + (allowedBy.rule.identities?.length ?? 0)} ${allowedBy.rule.identities?.length ? "keys and identities" : "keys"} publish this.`;
  return factList([
    [
      "Signed by",
      html`${signers.map((key) => html`<a href="../search?q=key:${key}">${code(key)}</a> `)}${identities.map((rule) => html`identity ${code(rule)} `)}`,
    ],
    ...(recordedAt === null ? [] : [["Taken by the log", moment(recordedAt)] as const]),
    ["Allowed because", why],
    ["Logged", html`not later than ${moment(loggedBy.cosignedAt)}, in a tree of ${loggedBy.size} entries`],
    ["Payload SHA-256", copyable(payloadDigest)],
    ["Leaf hash", copyable(leafHash)],
  ]);
}

function checkSection({ url }: Site, { index }: EntryView): Html {
  return html`<section id="check" data-index="${index}"><h2>Check it here</h2>
<p>Your browser can compute leaf, signatures, authorisation, inclusion and quorum itself, with the published verifier. It fetches the pieces from this log, so give it a pin that you got elsewhere: without one it only shows that the log agrees with itself.</p>
<noscript><p class="notice">That needs JavaScript. The commands below do the same on your machine.</p></noscript>
${pinForm("Check now")}
<ol id="check-steps" aria-live="polite"></ol>
<figure id="check-path" hidden></figure>
<p>On your own machine:</p>
<pre tabindex="0">curl -o entry-${index}.dsse.json ${url}/entries/${index}/envelope.dsse.json
curl -o entry-${index}.tlog-proof -H 'accept: text/plain' ${url}/v1/entries/${index}/proof
touchstone proof verify entry-${index}.dsse.json entry-${index}.tlog-proof --trust trust-root.json</pre></section>`;
}

function rawSection({ json, index }: EntryView): Html {
  const { predicate } = json as { predicate: object };
  return html`<details><summary>Every value</summary>${statementTree(predicate)}</details>
<details><summary>The statement, as JSON</summary><pre tabindex="0">${JSON.stringify(json, null, 2)}</pre></details>
<p>Download: <a href="${index}/statement.json" download>statement</a>, <a href="${index}/envelope.dsse.json" download>envelope</a>, <a href="../v1/entries/${index}">answer of the API</a>, <a href="../v1/entries/${index}/proof">inclusion proof</a>.</p>`;
}
