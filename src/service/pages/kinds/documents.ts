// Says in words what the documents of a log are: policies, revocations, statuses and trust roots.
import { html } from "hono/html";
import { keyIdOf } from "../../../protocol/cryptography/signature.ts";
import { decodeBase64 } from "../../../protocol/encoding/base64.ts";
import { referencesInProfile } from "../../../protocol/entry/policy.ts";
import type { MixedRole, Role, TrustRoot } from "../../../protocol/entry/trust-root.ts";
import { toRoot } from "../frame.ts";
import { code, count, type Fact, factList, moment } from "../pieces.ts";
import type { KindWords } from "./words.ts";

const policyWords: KindWords<"policy"> = {
  kind: "policy",
  title: "Policy",
  plural: "Policies",
  sentence: ({ name, version, profiles, expires }) =>
    `Version ${version} of policy ${name}: a machine is accepted when it matches one of ${count(profiles.length, "profile")} as a whole, until ${expires.slice(0, 10)}.`,
  sections: ({ name, validFrom, expires, profiles }, link) => [
    {
      heading: "In force",
      body: factList([
        ["From", moment(validFrom)],
        ["Until", moment(expires)],
        ["Profiles", profiles.map(({ id }) => id).join(", ")],
        [
          "Whole policy",
          html`<a href="${toRoot(1)}policies/${encodeURIComponent(name)}">what it accepts, its history and its bundle</a>`,
        ],
      ]),
    },
    ...profiles.map((profile) => ({
      heading: `Profile ${profile.id} accepts`,
      body: html`<ul>${referencesInProfile(profile).map((reference) => html`<li>${link(reference)}</li>`)}</ul>`,
    })),
  ],
};

const revocationWords: KindWords<"revocation"> = {
  kind: "revocation",
  title: "Revocation",
  plural: "Revocations",
  sentence: ({ reason }) => `Takes trust away, for ever. The reason that was given: “${reason}”`,
  sections: ({ digests, keys, identities, advisory }) => [
    {
      heading: "Revoked",
      body: html`<ul>${digests.map((digest) => html`<li>the entry with payload <a href="${toRoot(1)}search?q=${digest}">${code(digest)}</a></li>`)}${keys.map(
        ({ keyId, fromIndex, toIndex }) =>
          html`<li>what key <a href="${toRoot(1)}search?q=key:${keyId}">${code(keyId)}</a> signed at indices ${fromIndex} to ${toIndex - 1}</li>`,
      )}${identities.map(
        ({ rule, fromIndex, toIndex }) =>
          html`<li>what identity ${code(rule)} published at indices ${fromIndex} to ${toIndex - 1}</li>`,
      )}</ul>${advisory === null ? "" : html`<p>Advisory: ${advisory}</p>`}`,
    },
  ],
};

const statusWords: KindWords<"status"> = {
  kind: "status",
  title: "Status",
  plural: "Statuses",
  sentence: ({ treeSize, expires }) =>
    `Says what was in force after ${count(treeSize, "entry", "entries")}, so that nobody can hide a revocation or a newer policy. Good until ${expires.slice(0, 16).replace("T", " ")} UTC.`,
  sections: ({
    trustRoot,
    policies,
    identityKeys,
    revokedDigests,
    revokedKeys,
    revokedIdentities,
    index,
    issuedAt,
    expires,
  }) => [
    {
      heading: "In force",
      body: factList([
        ["Issued", moment(issuedAt)],
        ["Good until", moment(expires)],
        ["Trust root", `version ${trustRoot.version}`],
        ["Policies", policies.map(({ name, version }) => `${name} version ${version}`).join(", ") || "none"],
        ...(identityKeys.length === 0
          ? []
          : [
              [
                "Keys of providers",
                identityKeys.map(({ name, version }) => `${name} version ${version}`).join(", "),
              ] as const,
            ]),
        [
          "Revoked",
          `${count(revokedDigests.length, "entry", "entries")}, ${count(revokedKeys.length, "range of a key", "ranges of keys")}, ${count(revokedIdentities.length, "range of an identity", "ranges of identities")}`,
        ],
        ...(index === null ? [] : [["Index of these entries", code(index.root)] as const]),
      ]),
    },
  ],
};

const trustRootWords: KindWords<"trust-root"> = {
  kind: "trust-root",
  title: "Trust root",
  plural: "Trust roots",
  sentence: ({ version, successor }) =>
    successor === null
      ? `Version ${version} of who may do what in this log.`
      : `Version ${version} closes this log for ever; ${successor.origin} follows it.`,
  sections: (root) => [
    { heading: "Who may do what", body: factList([...rolesOf(root), ...receiptKeysOf(root)]) },
    {
      heading: "Checkpoints count",
      body: html`<p>when the log's key signed them and this quorum of witnesses did:</p><pre tabindex="0">${root.logPolicy}</pre>`,
    },
    {
      heading: "Limits",
      body: factList([
        ["Good until", moment(root.expires)],
        ["A policy lasts at most", count(Math.round(root.maxPolicyLifetime / 86_400), "day")],
        ["A status lasts at most", count(Math.round(root.maxStatusAge / 3600), "hour")],
        ["A cosignature is fresh for", count(Math.round(root.maxCheckpointAge / 3600), "hour")],
        ["Statuses commit to an index", root.index ? "yes" : "no"],
      ]),
    },
  ],
};

const identityKeysWords: KindWords<"identity-keys"> = {
  kind: "identity-keys",
  title: "Keys of a provider",
  plural: "Keys of providers",
  sentence: ({ issuer, retrievedAt, keys }) =>
    `The ${count(keys.length, "key")} with which ${issuer} signed its tokens on ${retrievedAt.slice(0, 10)}, as people saw them: by these the log judges who publishes without a key.`,
  sections: ({ issuer, keys, retrievedAt }) => [
    {
      heading: "Keys",
      body: factList([
        ["Provider", issuer],
        ["Retrieved", moment(retrievedAt)],
        ["Key ids", html`<ul>${keys.map(({ kid, alg }) => html`<li>${code(kid)} ${alg}</li>`)}</ul>`],
      ]),
    },
  ],
};

/** The documents, in the order in which a log begins with them. */
export const DOCUMENT_WORDS = [
  trustRootWords,
  statusWords,
  policyWords,
  revocationWords,
  identityKeysWords,
] as const;

/** Each role with its keys and threshold, in the order of docs/formats.md. */
export function rolesOf({ roles }: Pick<TrustRoot, "roles">): Fact[] {
  const { root, publisher, policy, revocation, status, identityKeys } = roles;
  return [
    ["Change this trust root", keysOf(root)],
    ...publisher.map(
      (rule): Fact => [`Publish ${rule.kinds.join(", ")} named ${rule.names.join(", ")}`, keysOf(rule)],
    ),
    ...policy.map((rule): Fact => [`Publish policies named ${rule.names.join(", ")}`, keysOf(rule)]),
    ["Revoke", keysOf(revocation)],
    ["Issue statuses", keysOf(status)],
    ...(identityKeys === null ? [] : [["State keys of providers", keysOf(identityKeys)] as Fact]),
  ];
}

/** These sign for the log's operator, in the formats of others, and may publish nothing. */
function receiptKeysOf({ receiptKeys }: Pick<TrustRoot, "receiptKeys">): Fact[] {
  if (receiptKeys.length === 0) return [];
  const keyIds = receiptKeys.map((spki) => keyIdOf(decodeBase64(spki)));
  return [["Sign receipts", html`${keyIds.map((keyId) => html`${code(keyId)} `)}`]];
}

function keysOf({ keys, identities = [], threshold }: Role & Partial<Pick<MixedRole, "identities">>) {
  const and = identities.length === 0 ? "" : ` and ${count(identities.length, "identity", "identities")}`;
  return html`${threshold} of ${count(keys.length, "key")}${and}: ${[...keys, ...identities].map((one) => html`${code(one)} `)}`;
}
