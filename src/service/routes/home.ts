// Serves the page that people open first.
import type { Published } from "../../log/checkpointing/publication.ts";
import type { PublishedLog } from "../../log/published-log.ts";
import { encodeBase64 } from "../../protocol/encoding/base64.ts";
import { RELEASE_KINDS, type ReleaseKind } from "../../protocol/entry/release-kinds.ts";
import type { StatementOf } from "../../protocol/envelope/statement.ts";
import { authenticateCheckpoint } from "../../protocol/note/cosigned-checkpoint.ts";
import { parseTlogPolicy } from "../../protocol/note/tlog-policy.ts";
import { currentTrustRoot } from "../../protocol/registration/in-force.ts";
import type { Bundles } from "../bundles/bundle-cache.ts";
import { readLoggedEntry, readNamed } from "../entries/read-entry.ts";
import { type EncodedBody, encodeBody, respondEncoded } from "../http/encoded-body.ts";
import { NO_CACHE, PAGE_HEADERS } from "../http/headers.ts";
import { requireQuery } from "../http/parameters.ts";
import type { Api } from "../openapi.ts";
import { type Cosigners, homePage, type Overview } from "../pages/home.ts";
import { renderOnce } from "../pages/rendered-once.ts";
import { RequestProblem } from "../problem.ts";
import type { Service } from "../service.ts";

/** Newest releases of each kind, and newest revocations, that the page shows. */
const NEWEST = 4;
const NEWEST_REVOCATIONS = 8;
/** Policies that it shows: as many as a status may name. */
const MAX_POLICIES = 128;

/** Everybody opens it, and it is the same for everybody: no middleware runs for it. */
export function addHome(api: Api, service: Service): void {
  const count = service.metrics.hotReads("home");
  const once = renderOnce<EncodedBody>(service);
  api.get("/", async (c) => {
    count();
    requireQuery(c, []);
    return respondEncoded(c, await once("/", () => render(service)));
  });
}

async function render(service: Service): Promise<EncodedBody> {
  const text = String(await homePage(service, await overviewOf(service)));
  return encodeBody(Uint8Array.from(Buffer.from(text)), {
    ...PAGE_HEADERS,
    "content-type": "text/html; charset=utf-8",
    "cache-control": NO_CACHE,
  });
}

async function overviewOf(service: Service): Promise<Overview> {
  const { log, bundles, clock, operator } = service;
  const { read } = log;
  const published = read.published();
  const root = currentTrustRoot(read.inForce);
  return {
    now: clock(),
    operator,
    log: published && {
      size: published.checkpoint.size,
      root: encodeBase64(published.checkpoint.root),
      cosignedAt: published.cosignedAt,
      accepting: log.impediment() === null,
      cosigners: await cosignersOf(published, service),
    },
    trustRoot:
      root === undefined
        ? null
        : {
            index: root.index,
            version: root.root.version,
            expires: root.root.expires,
            pin: read.inForce.trustRoots[0]?.digest ?? root.digest,
          },
    status: await statusOf(read),
    policies: await policiesOf(read, bundles),
    revocations: await revocationsOf(read),
    releases: await Promise.all(RELEASE_KINDS.map((kind) => newestOf(read, kind))),
  };
}

/** Who cosigned the published checkpoint, by the trust root in force, which admitted it. */
async function cosignersOf({ note, inForce }: Published, { ownWitnesses }: Service): Promise<Cosigners> {
  const root = currentTrustRoot(inForce)?.root;
  if (root === undefined) return { names: [], own: ownWitnesses, witnesses: 0 };
  const policy = parseTlogPolicy(root.logPolicy);
  const { cosignatures } = await authenticateCheckpoint(note, policy);
  const names = [...new Set(cosignatures.map(({ name }) => name))];
  return { names, own: ownWitnesses, witnesses: policy.witnesses.length };
}

async function statusOf(log: PublishedLog): Promise<Overview["status"]> {
  const { status } = log.inForce;
  if (status === null) return null;
  const { envelope } = await readLoggedEntry(log, status.index);
  const { expires } = (envelope.statement as StatementOf<"status">).predicate;
  return { index: status.index, sequence: status.sequence, expires };
}

function policiesOf(log: PublishedLog, bundles: Bundles): Promise<Overview["policies"]> {
  const sorted = [...log.inForce.policies].sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, MAX_POLICIES);
  return Promise.all(
    sorted.map(async ([name, { version, index }]) => {
      const entry = await readLoggedEntry(log, index);
      const { expires } = (entry.envelope.statement as StatementOf<"policy">).predicate;
      return { name, version, expires, refused: await refusalOf(bundles.current(name)) };
    }),
  );
}

/** Why the service does not serve a bundle as current, in a word. */
export async function refusalOf(bundle: Promise<unknown>): Promise<string | null> {
  try {
    await bundle;
    return null;
  } catch (error) {
    if (error instanceof RequestProblem) return error.fields.reason ?? error.code;
    throw error;
  }
}

async function revocationsOf(log: PublishedLog): Promise<Overview["revocations"]> {
  const { indexes } = await log.search({ kind: "revocation", limit: NEWEST_REVOCATIONS });
  return Promise.all(
    indexes.map(async (index) => {
      const { envelope } = await readLoggedEntry(log, index);
      const { name, reason } = (envelope.statement as StatementOf<"revocation">).predicate;
      return { index, name, reason };
    }),
  );
}

async function newestOf(log: PublishedLog, kind: ReleaseKind): Promise<Overview["releases"][number]> {
  const { indexes } = await log.search({ kind, limit: NEWEST });
  return { kind, entries: await Promise.all(indexes.map((index) => readNamed(log, index))) };
}
