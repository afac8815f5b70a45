// Looks whether the copy in the bucket is of this log, and how far it is behind. That it is whole is for `fsck --objects` to say.
import { CHECKPOINT } from "../../../mirror/copy-target.ts";
import { equalBytes } from "../../../protocol/encoding/bytes.ts";
import { decodeUtf8 } from "../../../protocol/encoding/text.ts";
import { type Checkpoint, parseCheckpoint } from "../../../protocol/note/checkpoint.ts";
import { parseNote } from "../../../protocol/note/signed-note.ts";
import { openObjects } from "../../open-objects.ts";
import { fault, ok, type Remark, warning } from "../finding.ts";
import type { LogSeen, Look } from "../look.ts";
import { spell } from "../spell-time.ts";

/** As the alert on the same lag (docs/operating.md, "What to watch"). */
const LATE_SECONDS = 60;
const SEE_LOGS = "the log lines of the service say what the bucket answers; it catches up by itself";

export const bucket: Look = {
  check: "bucket",
  async look({ config, context, log }) {
    const { objects } = config.storage;
    if (log === null || log.published === null || objects?.export !== true) return [];
    const store = await openObjects(objects, context);
    const found = await store.get(CHECKPOINT);
    if (found === undefined)
      return [fault(`${store.place} holds no checkpoint: nothing was exported`, SEE_LOGS)];
    const copied = parseCheckpoint(parseNote(decodeUtf8(found.bytes)).text);
    return [await judge(copied, { place: store.place, log, now: context.now() })];
  },
};

interface Copy {
  readonly place: string;
  readonly log: LogSeen;
  readonly now: Date;
}

async function judge(copied: Checkpoint, { place, log, now }: Copy): Promise<Remark> {
  const { size, root } = copied;
  if (size > log.state.head.size) return judgeLarger(copied, { place, log, now });
  if (copied.origin !== log.root.origin || !equalBytes(await log.prover.rootAt(size), root))
    return fault(
      `${place} is the copy of another log, or of another history of this one`,
      "see with 'touchstone fsck --objects', and find out who wrote it before anything is removed",
    );
  const published = log.published?.checkpoint.size ?? 0;
  const behind = published - size;
  if (behind <= 0) return ok(`${place} has all ${size} published entries`);
  const since = await log.publishedAt(size);
  const late = since === null ? 0 : (now.getTime() - since.getTime()) / 1000;
  const lag = `${place} has ${size} of ${published} published entries, ${spell(late)} late`;
  return late > LATE_SECONDS ? warning(lag, SEE_LOGS) : ok(lag);
}

/** A log that is served may have grown meanwhile. */
async function judgeLarger({ size }: Checkpoint, { place, log }: Copy): Promise<Remark> {
  const now = await log.again();
  if (size <= (now.checkpoint?.size ?? 0)) return ok(`${place} has all ${size} published entries`);
  return fault(
    `${place} has ${size} entries, the database has ${now.size}: it is an old copy, or the bucket is another log's`,
    "do not start the log on it; 'touchstone recover --from s3:' fetches what is missing",
  );
}
