// Opens the high-water marks that a configuration names: files of this machine, objects of its bucket, or several of them.
import { type HighWater, HighWaterFile } from "../log/checkpointing/high-water.ts";
import { HighWaterList } from "../log/checkpointing/high-water-list.ts";
import { MarkThread } from "../log/checkpointing/mark-thread.ts";
import { ObjectHighWater } from "../log/checkpointing/object-high-water.ts";
import { ThreadedHighWater } from "../log/checkpointing/threaded-high-water.ts";
import type { ObjectStore } from "../node/objects/object-store.ts";
import { MalformedError } from "../protocol/errors.ts";
import { BUCKET_FORM, type Config, isInBucket, type ObjectsConfig } from "../service/config.ts";
import type { CliContext } from "./context.ts";
import { openObjects } from "./open-objects.ts";

type Storage = Pick<Config["storage"], "highWater" | "objects">;
type Context = Pick<CliContext, "environment" | "warn" | "fetch" | "now">;

/** For what reads them, or writes them once. @throws MalformedError */
export function openHighWater(storage: Storage, context: Context): Promise<HighWater> {
  return openMarks(storage, {
    openFile: (file) => new HighWaterFile(file),
    openBucket: (objects) => openObjects(objects, context),
  });
}

/** For a log that serves. @param thread in which its files are written; one of its own unless given. @throws MalformedError; ObjectStoreError for a bucket whose conditions cannot be relied on. */
export function openServedHighWater(
  storage: Storage,
  context: Context,
  thread = new MarkThread(),
): Promise<HighWater> {
  return openMarks(storage, {
    openFile: (file) => new ThreadedHighWater(file, thread),
    async openBucket(objects) {
      const bucket = await openObjects(objects, context);
      await bucket.probe();
      return bucket;
    },
  });
}

interface Opening {
  openFile(file: string): HighWater;
  openBucket(objects: ObjectsConfig): Promise<ObjectStore>;
}

async function openMarks(
  { highWater, objects }: Storage,
  { openFile, openBucket }: Opening,
): Promise<HighWater> {
  const marks: HighWater[] = [];
  for (const place of highWater) {
    if (!isInBucket(place)) marks.push(openFile(place));
    else if (objects === undefined) throw withoutBucket();
    else marks.push(new ObjectHighWater(await openBucket(objects), place.slice(BUCKET_FORM.length)));
  }
  const [only] = marks;
  return only !== undefined && marks.length === 1 ? only : new HighWaterList(marks);
}

function withoutBucket(): MalformedError {
  return new MalformedError("configuration", "a mark in a bucket needs storage.objects", "storage.highWater");
}
