// Makes the page of one policy: what it accepts, profile by profile, its history, its bundle, and a place to hold evidence against it.
import { html } from "hono/html";
import { type Policy, type Profile, referencesInProfile } from "../../protocol/entry/policy.ts";
import { describeReference } from "../../protocol/entry/reference.ts";
import { type Difference, differenceTable } from "./differences.ts";
import { framed, type Html, type Site } from "./frame.ts";
import { wordsOf } from "./kinds/list.ts";
import { code, count, factList, moment, validity } from "./pieces.ts";

export interface PolicyView {
  readonly now: Date;
  readonly policy: Policy;
  readonly index: number;
  readonly digest: string;
  /** Why no verifier would accept the bundle now, or null. */
  readonly refused: string | null;
  /** Where the entries that it names are, by payload digest. */
  readonly places: ReadonlyMap<string, number>;
  /** Newest first, with what differs from the version before; without for those that are not compared. */
  readonly history: ReadonlyArray<{
    readonly index: number;
    readonly version: string;
    readonly validFrom: string;
    readonly expires: string;
    readonly differences: readonly Difference[] | null;
  }>;
  /** Versions are older than those that are shown. */
  readonly olderThanShown: boolean;
}

export function policyPage(site: Site, view: PolicyView): Html {
  const { policy, now, index, refused } = view;
  const bundle = `v1/policies/${encodeURIComponent(policy.name)}`;
  return framed(site, {
    title: `Policy ${policy.name} version ${policy.version}`,
    description: `Which machines ${site.origin} accepts by policy ${policy.name}: ${count(policy.profiles.length, "profile")}, until ${policy.expires.slice(0, 10)}.`,
    depth: 1,
    scripts: ["copy", "appraise"],
    main: html`<p class="kicker">Policy</p>
<h1>${policy.name} <span class="version">version ${policy.version}</span></h1>
<p class="lead">A machine is accepted when it matches one of these profiles as a whole: parts of two do not add up.</p>
${refused === null ? "" : html`<div class="notice alarm"><strong>Verifiers refuse this policy now:</strong> ${refused}</div>`}
${factList([
  ["Good until", validity(now, policy.expires)],
  ["Since", moment(policy.validFrom)],
  ["Entry", html`<a href="../entries/${index}">${index}</a>, payload ${code(view.digest)}`],
  [
    "Bundle",
    html`<a href="../${bundle}">download</a>: all that a verifier needs, checked offline with <code>touchstone bundle verify</code>`,
  ],
  [
    "Badge",
    html`<img src="${encodeURIComponent(policy.name)}/badge.svg" alt="Badge: policy ${policy.name}, version ${policy.version}">`,
  ],
])}
${policy.profiles.map((profile) => profileSection(profile, view))}
${evidenceSection(site, policy.name)}
${historySection(view)}`,
  });
}

function profileSection(profile: Profile, { places, policy }: PolicyView): Html {
  const { tdx, gpu, binding } = profile;
  const names = referencesInProfile(profile).map((reference) => {
    const at = places.get(reference.digest);
    const label = describeReference(reference);
    return html`<li><span class="dim">${wordsOf(reference.kind as Parameters<typeof wordsOf>[0]).title}</span> ${at === undefined ? label : html`<a href="../entries/${at}">${label}</a>`} <span class="dim">svn ≥ ${policy.svnFloor[reference.kind as keyof typeof policy.svnFloor]}</span></li>`;
  });
  return html`<section><h2>Profile ${profile.id}</h2>
<h3>It runs exactly</h3><ul class="rows">${names}</ul>
<h3>Its TDX quote shows</h3>${factList([
    ["TCB status", tdx.tcbStatuses.join(" or ")],
    ["TCB evaluation", `number ${tdx.minTcbEvaluationDataNumber} or newer`],
    ["TEE_TCB_SVN", html`at least ${code(tdx.minTeeTcbSvn)}`],
    [
      "TDX module",
      tdx.mrSeam.mode === "allow"
        ? html`${tdx.mrSeam.values.map((value) => html`${code(value)} `)}`
        : "any that Intel signed and the collateral lists",
    ],
    [
      "RTMR3",
      tdx.rtmr3.mode === "replay"
        ? `${count(tdx.rtmr3.events.length, "event")} in this order: ${tdx.rtmr3.events.map(({ name }) => name).join(", ")}`
        : tdx.rtmr3.mode === "exact"
          ? code(tdx.rtmr3.value)
          : "zero",
    ],
    ["Attributes", [...tdx.requiredAttributes, "no debug"].join(", ")],
  ])}
<h3>Its GPUs show</h3>${factList([
    [
      "GPUs",
      `${count(gpu.count, `${gpu.architecture} GPU`)}, mode ${gpu.mode}, confidential computing ${gpu.ccMode}`,
    ],
    ["Driver", gpu.driverVersions.join(" or ")],
    ["VBIOS", gpu.vbiosVersions.join(" or ")],
    [
      "NVSwitches",
      gpu.switches === null
        ? "none"
        : `${gpu.switches.count} between the GPUs, VBIOS ${gpu.switches.vbiosVersions.join(" or ")}`,
    ],
    ["Revocation", gpu.revocation],
  ])}
<h3>It is the machine that you talk to</h3>${factList([
    ["Bound to the channel by", `${binding.format}, over ${binding.channel}`],
    ["Freshness", binding.freshness === "nonce" ? "a challenge of the verifier" : "evidence of the boot"],
  ])}</section>`;
}

function evidenceSection({ url }: Site, name: string): Html {
  return html`<section id="evidence" data-policy="${name}"><h2>Hold evidence against it</h2>
<p>Drop <code>evidence.json</code>, a TDX quote, a GPU report or an RA-TLS certificate: your browser appraises it with the published verifier. The file is not uploaded.</p>
<noscript><p class="notice">That needs JavaScript. The command below does the same on your machine.</p></noscript>
<div id="evidence-form" hidden><label for="evidence-file">Evidence</label><input id="evidence-file" type="file"></div>
<div id="evidence-result" aria-live="polite"></div>
<pre tabindex="0">touchstone bundle fetch ${name} --to ${url} --state state.json -o policy.bundle.json
touchstone appraise --bundle policy.bundle.json --policy ${name} --trust trust-root.json \\
  --evidence evidence.json --channel-key server.pem</pre></section>`;
}

function historySection({ history, olderThanShown, policy: { name } }: PolicyView): Html {
  return html`<section><h2>History</h2>${history.map(
    ({ index, version, validFrom, expires, differences }) =>
      html`<details><summary>Version ${version}, ${moment(validFrom)} to ${moment(expires)}</summary><p><a href="../entries/${index}">entry ${index}</a></p>${differences === null ? html`<p class="dim">The first version, or the one before it is not shown here.</p>` : differenceTable(differences)}</details>`,
  )}${olderThanShown ? html`<p class="dim">Older versions are in the log: <a href="../search?q=${encodeURIComponent(name)}">search</a>.</p>` : ""}</section>`;
}
