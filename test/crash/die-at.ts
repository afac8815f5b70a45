// A process that publishes entries one after the other, and kills itself at one step of a batch's way. It says what is durable, shown and
// acknowledged, one JSON object a line. Arguments: the folder, the step, how often the step is passed first.
import { statSync, writeSync } from "node:fs";
import { intercept } from "../support/intercept.ts";
import { LogHarness } from "../support/log-harness.ts";
import { signPlatforms } from "../support/signing.ts";

/** The steps of a batch of one entry, in their order. */
export type Step =
  | "append asked for"
  | "append under way"
  | "append done"
  | "mark done"
  | "checkpoint done"
  | "shown";

/** What the process says. */
export type Heard =
  /** An append was answered: so long is the write-ahead log, and all of that is synced. */
  | { durable: number; walBytes: number }
  | { shown: string }
  | { acknowledged: { index: number; digest: string } };

const [folder = "", step = "", passes = "0"] = process.argv.slice(2);
let left = Number(passes);
/** Fixed before the step is counted: the log opens and issues a status first. */
let isArmed = false;

function say(heard: Heard): void {
  writeSync(1, `${JSON.stringify(heard)}\n`);
}

function reach(reached: Step): void {
  if (isArmed && reached === step && left-- === 0) process.kill(process.pid, "SIGKILL");
}

const harness = await LogHarness.at(folder, {
  store: (store) =>
    intercept(store, {
      async append(...append) {
        reach("append asked for");
        const appended = store.append(...append);
        reach("append under way");
        await appended;
        say({ durable: append[1].head.size, walBytes: statSync(`${folder}/log.db-wal`).size });
        reach("append done");
      },
      async addCheckpoint(checkpoint) {
        await store.addCheckpoint(checkpoint);
        reach("checkpoint done");
      },
    }),
  highWater: (mark) =>
    intercept(mark, {
      async swap(note) {
        await mark.swap(note);
        reach("mark done");
      },
    }),
});
harness.clock.now = new Date();
const log = await harness.open();
log.onPublished(({ note }) => {
  say({ shown: note });
  reach("shown");
});
await new Promise((resolve) => setTimeout(resolve, 50));
isArmed = true;
for (const entry of await signPlatforms(harness.keys, `${step.replaceAll(" ", "-")}-${passes}`, 9)) {
  const [outcome] = await log.publish([entry]);
  if (outcome?.state === "published")
    say({ acknowledged: { index: outcome.index, digest: entry.payloadDigest } });
}
