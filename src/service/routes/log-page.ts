// Serves the page of the log: growth, checkpoints and who cosigned them, trust roots and statuses.
import type { PublishedLog } from "../../log/published-log.ts";
import type { PublishedCheckpoint } from "../../log/store/log-store.ts";
import { encodeBase64 } from "../../protocol/encoding/base64.ts";
import { formatTime } from "../../protocol/entry/fields.ts";
import type { StatementOf } from "../../protocol/envelope/statement.ts";
import { authenticateCheckpoint } from "../../protocol/note/cosigned-checkpoint.ts";
import { parseTlogPolicy } from "../../protocol/note/tlog-policy.ts";
import type { InForce } from "../../protocol/registration/in-force.ts";
import { readLoggedEntry, requirePublished } from "../entries/read-entry.ts";
import type { Api } from "../openapi.ts";
import { answerPage } from "../pages/answer.ts";
import { type LogView, logPage } from "../pages/log.ts";
import { renderOnce } from "../pages/rendered-once.ts";
import type { Service } from "../service.ts";
import { describePage } from "./describe-page.ts";

/** Points of the plot, and rows of the table: however large the log is. */
const POINTS = 48;
const ROWS = 12;
const MAX_TRUST_ROOTS = 32;
const STATUSES = 8;

export function addLogPage(api: Api, service: Service): void {
  const once = renderOnce<string>(service);
  describePage(api, {
    path: "/log",
    operationId: "getLogPage",
    summary: "The log, for people",
    description:
      "Growth, checkpoints with their cosigners, trust roots with who gained and lost which role, statuses.",
    type: "text/html",
  });
  api.get("/log", (c) =>
    answerPage(c, service, 0, () =>
      once("", async () => String(await logPage(service, await viewOf(service.log.read)))),
    ),
  );
}

async function viewOf(log: PublishedLog): Promise<LogView> {
  const { checkpoint, note, cosignedAt, inForce } = requirePublished(log);
  const sampled = await sample(log, checkpoint.size);
  const newest = { size: checkpoint.size, cosignedAt: Math.floor(cosignedAt.getTime() / 1000), note };
  const all = sampled.at(-1)?.note === note ? sampled : [...sampled, newest];
  return {
    size: checkpoint.size,
    growth: all.map(({ size, cosignedAt: time }) => ({ time, size })),
    checkpoints: await Promise.all(
      all
        .slice(-ROWS)
        .reverse()
        .map((published) => rowOf(published, inForce)),
    ),
    trustRoots: inForce.trustRoots.slice(-MAX_TRUST_ROOTS).reverse(),
    statuses: await statusesOf(log),
  };
}

/** The checkpoints that first covered evenly spread sizes: as many lookups as there are points. */
async function sample(log: PublishedLog, size: number): Promise<PublishedCheckpoint[]> {
  const points = Math.min(POINTS, size);
  const sizes = Array.from({ length: points }, (_, i) => Math.ceil((size * (i + 1)) / points));
  const found = await Promise.all(sizes.map((wanted) => log.firstCheckpointCovering(wanted)));
  const distinct = new Map(found.flatMap((one) => (one === undefined ? [] : [[one.size, one] as const])));
  return [...distinct.values()].sort((a, b) => a.size - b.size);
}

/** Who cosigned it, by the trust root that was in force then. */
async function rowOf(
  { size, cosignedAt, note }: PublishedCheckpoint,
  { trustRoots }: InForce,
): Promise<LogView["checkpoints"][number]> {
  const placed = trustRoots.findLast(({ index }) => index < size);
  if (placed === undefined) throw new Error(`no trust root stands before size ${size}`);
  const { checkpoint, cosignatures } = await authenticateCheckpoint(
    note,
    parseTlogPolicy(placed.root.logPolicy),
  );
  return {
    size,
    cosignedAt: formatTime(new Date(cosignedAt * 1000)),
    root: encodeBase64(checkpoint.root),
    cosigners: cosignatures.map(({ name, timestamp }) => ({
      name,
      at: formatTime(new Date(timestamp * 1000)),
    })),
  };
}

async function statusesOf(log: PublishedLog): Promise<LogView["statuses"]> {
  const { indexes } = await log.search({ kind: "status", limit: STATUSES });
  return Promise.all(
    indexes.map(async (index) => {
      const { predicate } = (await readLoggedEntry(log, index)).envelope.statement as StatementOf<"status">;
      return {
        index,
        sequence: predicate.sequence,
        issuedAt: predicate.issuedAt,
        expires: predicate.expires,
      };
    }),
  );
}
