// Makes the page at "/": what this log is, what is in force, and its newest entries. For people; everything on it is in the API too.
// No scripts. Everything from the log is escaped by hono/html: names and origins are not ours.
import { html } from "hono/html";

/** What the page shows. */
export interface Overview {
  readonly origin: string;
  readonly version: string;
  readonly now: Date;
  readonly log: {
    readonly size: number;
    /** Root hash, base64. */
    readonly root: string;
    readonly cosignedAt: Date;
    readonly accepting: boolean;
  } | null;
  readonly trustRoot: { readonly version: number; readonly expires: string } | null;
  readonly status: { readonly sequence: number; readonly expires: string } | null;
  /** `refused`: why no verifier would accept the bundle now, or null. */
  readonly policies: ReadonlyArray<{
    name: string;
    version: number;
    expires: string;
    refused: string | null;
  }>;
  readonly entries: ReadonlyArray<{
    index: number;
    kind: string;
    name: string;
    version: string;
    revoked: boolean;
  }>;
}

type Html = ReturnType<typeof html>;

export function overviewPage(overview: Overview): Html {
  const { origin, version, log } = overview;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${origin} · Touchstone</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/page.css">
</head>
<body>
<header>
<p class="brand"><span class="stone" aria-hidden="true"></span>Touchstone</p>
<nav><a href="/docs">API</a><a href="/v1/entries">Entries</a><a href="/v1/policies">Policies</a><a href="/checkpoint">Checkpoint</a></nav>
</header>
<main>
<h1>${origin}</h1>
<p class="lead">A transparency log of reference values: the measurements that a verifier compares an attestation quote with. Anyone may read it and check it; nothing in it can be changed or hidden.</p>
${log === null ? html`<p class="notice">The log has not published a checkpoint yet.</p>` : treeSection(log, overview.now)}
${inForceSection(overview)}
${entriesSection(overview)}
</main>
<footer>Touchstone ${version} · <a href="/openapi.yaml">openapi.yaml</a> · <a href="/readyz">ready?</a></footer>
</body>
</html>`;
}

function treeSection(log: NonNullable<Overview["log"]>, now: Date): Html {
  return html`<section class="facts" aria-label="Tree">
<div><span class="label">Entries</span><strong>${log.size.toLocaleString("en")}</strong></div>
<div><span class="label">Cosigned</span><strong>${elapsed(now, log.cosignedAt)}</strong></div>
<div><span class="label">Writing</span><strong class="${log.accepting ? "good" : "bad"}">${log.accepting ? "open" : "stopped"}</strong></div>
<div class="wide"><span class="label">Root</span><code>${log.root}</code></div>
</section>`;
}

interface Row {
  readonly label: string;
  readonly href: string;
  readonly which: string;
  readonly expires: string;
  readonly refused?: string | null;
}

function inForceSection({ trustRoot, status, policies, now }: Overview): Html {
  const rows: Row[] = [];
  if (trustRoot !== null) {
    rows.push({
      ...trustRoot,
      label: "Trust root",
      href: "/v1/trust-root",
      which: `version ${trustRoot.version}`,
    });
  }
  if (status !== null) {
    rows.push({ ...status, label: "Status", href: "/v1/status", which: `number ${status.sequence}` });
  }
  for (const policy of policies) {
    const href = `/v1/policies/${encodeURIComponent(policy.name)}`;
    rows.push({ ...policy, label: `Policy ${policy.name}`, href, which: `version ${policy.version}` });
  }
  return html`<section>
<h2>In force</h2>
<table><thead><tr><th>Document</th><th></th><th>Good until</th></tr></thead><tbody>${rows.map((row) => inForceRow(row, now))}</tbody></table>
</section>`;
}

function inForceRow({ label, href, which, expires, refused }: Row, now: Date): Html {
  const left = Date.parse(expires) - now.getTime();
  const trouble = refused ?? (left <= 0 ? "expired" : null);
  const state =
    trouble === null
      ? html`<span class="dim">${span(Math.round(left / 1000))} left</span>`
      : html`<span class="bad">${trouble}</span>`;
  return html`<tr><td class="name"><a href="${href}">${label}</a></td><td class="which">${which}</td><td><time datetime="${expires}">${expires.slice(0, 16).replace("T", " ")}</time> ${state}</td></tr>`;
}

function entriesSection({ entries }: Overview): Html {
  const rows = entries.map(
    (entry) =>
      html`<tr><td class="number"><a href="/v1/entries/${entry.index}">${entry.index}</a></td><td><span class="kind">${entry.kind}</span></td><td class="name">${entry.name}</td><td class="name">${entry.version}${entry.revoked ? html` <span class="bad">revoked</span>` : ""}</td></tr>`,
  );
  return html`<section>
<h2>Newest entries</h2>
<table><thead><tr><th class="number">Index</th><th>Kind</th><th>Name</th><th>Version</th></tr></thead><tbody>${rows}</tbody></table>
</section>`;
}

function elapsed(now: Date, then: Date): string {
  const seconds = Math.max(0, Math.round((now.getTime() - then.getTime()) / 1000));
  return seconds < 5 ? "just now" : `${span(seconds)} ago`;
}

function span(seconds: number): string {
  const count = (value: number, unit: string) => `${value} ${unit}${value === 1 ? "" : "s"}`;
  if (seconds < 60) return count(seconds, "second");
  if (seconds < 3600) return count(Math.round(seconds / 60), "minute");
  return seconds < 172_800
    ? count(Math.round(seconds / 3600), "hour")
    : count(Math.round(seconds / 86_400), "day");
}
