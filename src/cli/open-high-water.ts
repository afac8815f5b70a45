// Opens the high-water marks that a configuration names: files of this machine, objects of its bucket, or several of them.
import { type HighWater, HighWaterFile } from "../log/checkpointing/high-water.ts";
import { HighWaterList } from "../log/checkpointing/high-water-list.ts";
import { ObjectHighWater } from "../log/checkpointing/object-high-water.ts";
import { ThreadedHighWater } from "../log/checkpointing/threaded-high-water.ts";
import { MalformedError } from "../protocol/errors.ts";
import { BUCKET_FORM, type Config, isInBucket } from "../service/config.ts";
import type { CliContext } from "./context.ts";
import { openObjects } from "./open-objects.ts";

type Storage = Pick<Config["storage"], "highWater" | "objects">;
type Context = Pick<CliContext, "environment" | "warn" | "fetch" | "now">;

/** For what reads them, or writes them once. @throws MalformedError */
export function openHighWater(storage: Storage, context: Context): Promise<HighWater> {
  return openMarks(storage, context, (file) => new HighWaterFile(file));
}

/** For a log that serves. @throws MalformedError; ObjectStoreError for a bucket whose conditions cannot be relied on. */
export function openServedHighWater(storage: Storage, context: Context): Promise<HighWater> {
  return openMarks(storage, context, (file) => new ThreadedHighWater(file));
}

async function openMarks(
  { highWater, objects }: Storage,
  context: Context,
  openFile: (file: string) => HighWater,
): Promise<HighWater> {
  const marks: HighWater[] = [];
  for (const place of highWater)
    marks.push(isInBucket(place) ? await openObject(place, objects, context) : openFile(place));
  const [only] = marks;
  return only !== undefined && marks.length === 1 ? only : new HighWaterList(marks);
}

async function openObject(
  place: string,
  objects: Storage["objects"],
  context: Context,
): Promise<ObjectHighWater> {
  if (objects === undefined)
    throw new MalformedError(
      "configuration",
      "a mark in a bucket needs storage.objects",
      "storage.highWater",
    );
  const store = await openObjects(objects, context);
  await store.probe();
  return new ObjectHighWater(store, place.slice(BUCKET_FORM.length));
}
