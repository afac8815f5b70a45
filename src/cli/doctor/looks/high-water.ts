// Looks whether every high-water mark is there, is of this log, and is neither behind what was published nor ahead of what the database has.
import type { HighWaterMark } from "../../../log/checkpointing/high-water.ts";
import { requireExtended, requireMarkKept } from "../../../log/start-checks.ts";
import { parseCheckpoint } from "../../../protocol/note/checkpoint.ts";
import { parseNote } from "../../../protocol/note/signed-note.ts";
import { fault, ok, type Remark, warning } from "../finding.ts";
import type { LogSeen, Look } from "../look.ts";
import type { MarkSeen } from "../marks-seen.ts";
import { remarkOn } from "../remark-on.ts";

export const highWater: Look = {
  check: "high-water",
  async look({ marks, log }) {
    const remarks = await Promise.all(marks.map((mark) => judge(mark, log)));
    const isKnown = remarks.some(({ level }) => level === "ok");
    return remarks.map((remark) => (isKnown ? remark : { ...remark, level: asFault(remark) }));
  },
};

/** A mark that is behind is a fault where no other one says how far the log has signed. */
const asFault = ({ level }: Remark) => (level === "warning" ? "fault" : level);

async function judge(mark: MarkSeen, log: LogSeen | null): Promise<Remark> {
  try {
    const before = mark.before();
    if (log === null) return ok(`${mark.place}: ${signed(before)}`);
    await requireExtended(log, before);
    return await judgeKept(mark, log);
  } catch (error) {
    return remarkOn(error, mark.place);
  }
}

/** What is published is marked before, so the mark is read again. @throws what cannot be read. */
async function judgeKept({ place, now }: MarkSeen, log: LogSeen): Promise<Remark> {
  const kept = await now();
  try {
    requireMarkKept(log, kept);
  } catch (error) {
    return warning(`${place}: ${(error as Error).message}`);
  }
  return log.published === null && kept === undefined
    ? fault(`${place}: nothing is signed`, "start the service, which signs")
    : ok(`${place}: ${signed(kept)}, the database has ${log.state.head.size}`);
}

function signed(mark: HighWaterMark | undefined): string {
  if (mark === undefined) return "there is no mark";
  return `the log has signed size ${parseCheckpoint(parseNote(mark.note).text).size}`;
}
