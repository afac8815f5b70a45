// Reads each high-water mark of a configuration by itself, without writing any.
import type { HighWater, HighWaterMark } from "../../log/checkpointing/high-water.ts";
import type { Config } from "../../service/config.ts";
import { openHighWater } from "../open-high-water.ts";
import type { DoctorContext } from "./look.ts";

/** One place in which a mark is kept. */
export interface MarkSeen {
  /** As the configuration names it. */
  readonly place: string;
  /** What stood there before the log was read. @throws why it could not be read. */
  readonly before: () => HighWaterMark | undefined;
  /** What stands there now. */
  readonly now: () => Promise<HighWaterMark | undefined>;
}

export async function readMarks({ storage }: Config, context: DoctorContext): Promise<MarkSeen[]> {
  return Promise.all(
    storage.highWater.map((place) =>
      readMark(place, openHighWater({ ...storage, highWater: [place] }, context)),
    ),
  );
}

async function readMark(place: string, opening: Promise<HighWater>): Promise<MarkSeen> {
  const now = async () => (await opening).read();
  try {
    const before = await now();
    return { place, before: () => before, now };
  } catch (error) {
    const before = () => {
      throw error;
    };
    return { place, before, now };
  }
}
