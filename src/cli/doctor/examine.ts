// Examines the set-up of one log: what is read once for all looks, and then look after look.
import { inspectIndex } from "../../log/maintenance/fsck-index.ts";
import { loadStored, refuseMissing, requireFounded } from "../../log/start-checks.ts";
import { examineServer, openSnapshot, storeExists } from "../../log/store/open-store.ts";
import type { ServerState } from "../../log/store/server-state.ts";
import type { InspectedStore } from "../../log/store/store-inspection.ts";
import { describeLocation, type StoreLocation } from "../../log/store/store-location.ts";
import { parseLeaf } from "../../protocol/envelope/dsse.ts";
import { type Config, indexOf } from "../../service/config.ts";
import { storeOf } from "../store-of.ts";
import type { Finding, Remark } from "./finding.ts";
import type { DoctorContext, LogSeen, Look } from "./look.ts";
import { bucket } from "./looks/bucket.ts";
import { checkpoint } from "./looks/checkpoint.ts";
import { highWater } from "./looks/high-water.ts";
import { indexFile } from "./looks/index-file.ts";
import { key } from "./looks/key.ts";
import { leader } from "./looks/leader.ts";
import { quorum } from "./looks/quorum.ts";
import { server } from "./looks/server.ts";
import { standbys } from "./looks/standbys.ts";
import { status } from "./looks/status.ts";
import { store } from "./looks/store.ts";
import { tls } from "./looks/tls.ts";
import { witness } from "./looks/witness.ts";
import { type MarkSeen, readMarks } from "./marks-seen.ts";
import { remarkOn } from "./remark-on.ts";

/** In the order of the report. */
const LOOKS: readonly Look[] = [
  store,
  server,
  leader,
  standbys,
  tls,
  checkpoint,
  highWater,
  witness,
  quorum,
  bucket,
  key,
  status,
  indexFile,
];

/** @throws MalformedError where the configuration does not say where the store is. */
export async function examine(config: Config, context: DoctorContext): Promise<Finding[]> {
  const location = storeOf(config, context);
  // Before the log, which so has all that they tell of, also while a service writes to it.
  const marks = await readMarks(config, context);
  const index = inspectIndex(indexOf(config.storage).file);
  const opened = await open(location, marks);
  try {
    const read = { config, context, location, marks, index };
    const examined = { ...read, ...(await readLog(opened, location)) };
    const findings: Finding[] = [];
    for (const { check, look } of LOOKS) {
      const remarks = await look(examined).catch((error) => [remarkOn(error)]);
      findings.push(...remarks.map((remark) => ({ check, ...remark })));
    }
    return findings;
  } finally {
    index?.file?.close();
    if ("store" in opened) await opened.store.close();
  }
}

type Opened = { readonly store: InspectedStore } | { readonly problem: Remark };

async function open(location: StoreLocation, marks: readonly MarkSeen[]): Promise<Opened> {
  try {
    if (!(await storeExists(location))) await refuseMissing(describeLocation(location), largest(marks));
    return { store: await openSnapshot(location) };
  } catch (error) {
    return { problem: remarkOn(error) };
  }
}

/** Whichever mark can be read says whether there was a log. */
function largest(marks: readonly MarkSeen[]) {
  return { read: async () => marks.map(({ before }) => before()).find((mark) => mark !== undefined) };
}

interface ReadLog {
  readonly problem: Remark | null;
  readonly log: LogSeen | null;
  readonly server: ServerState | null;
}

async function readLog(opened: Opened, location: StoreLocation): Promise<ReadLog> {
  if ("problem" in opened) return { ...opened, log: null, server: null };
  try {
    const [log, server] = [await seeLog(opened.store, location), await examineServer(location)];
    return { problem: null, log, server };
  } catch (error) {
    return { problem: remarkOn(error), log: null, server: null };
  }
}

async function seeLog(store: InspectedStore, location: StoreLocation): Promise<LogSeen> {
  const stored = await loadStored(store);
  return {
    ...stored,
    root: requireFounded(stored.state),
    statusExpires: await expiryOf(store, stored.state.inForce.status?.index),
    publishedAt: async (index) => {
      const covering = await store.firstCheckpointCovering(index + 1);
      return covering === undefined ? null : new Date(covering.cosignedAt * 1000);
    },
    again: () => lookAgain(location),
  };
}

async function expiryOf(store: InspectedStore, index: number | undefined): Promise<Date | null> {
  if (index === undefined) return null;
  const [leaf] = await store.readEntries([index]);
  const { statement } = parseLeaf(leaf as Uint8Array);
  return statement.kind === "status" ? new Date(statement.predicate.expires) : null;
}

async function lookAgain(location: StoreLocation): ReturnType<LogSeen["again"]> {
  const store = await openSnapshot(location);
  try {
    return { size: (await store.head()).size, checkpoint: await store.newestCheckpoint() };
  } finally {
    await store.close();
  }
}
