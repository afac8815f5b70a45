// What a failed append did is found out before anything else happens: durable after all, not at all, or of somebody else.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConflictError } from "../../../src/log/errors.ts";
import type { Log } from "../../../src/log/log.ts";
import type { LogStore } from "../../../src/log/store/log-store.ts";
import { intercept } from "../../support/intercept.ts";
import { LogHarness } from "../../support/log-harness.ts";
import { signPlatforms } from "../../support/signing.ts";
import { auditAsStranger } from "../../support/stranger.ts";

let harness: LogHarness;
let log: Log;
let fail: (store: LogStore, ...append: Parameters<LogStore["append"]>) => Promise<void>;

beforeEach(async () => {
  fail = (store, ...append) => store.append(...append);
  harness = await LogHarness.make({
    store: (store) => intercept(store, { append: (...append) => fail(store, ...append) }),
  });
  log = await harness.create();
});
afterEach(async () => {
  await auditAsStranger(log.read, log.read.inForce.trustRoots[0]!.root.logPolicy);
  await log.close();
  harness.remove();
});

const publish = async (name: string) => log.publish(await signPlatforms(harness.keys, name, 1));

describe("an append that fails", () => {
  it("because somebody else appended stops the log, though the store looks as it was", async () => {
    fail = async () => {
      throw new ConflictError("the tree has 2 entries, the append expected 1");
    };
    await expect(publish("first")).rejects.toMatchObject({ code: "no-leader" });
    fail = (store, ...append) => store.append(...append);
    await expect(publish("second")).rejects.toMatchObject({ code: "no-leader" });
    expect(log.unavailable()?.cause).toBeInstanceOf(ConflictError);
  });

  it("and left another tree behind stops the log", async () => {
    const other = new Uint8Array(32);
    fail = async (store, size, append) => {
      await store.append(size, { ...append, head: { ...append.head, root: other } });
      throw new Error("input/output error");
    };
    await expect(publish("first")).rejects.toMatchObject({ code: "no-leader" });
    await expect(publish("second")).rejects.toMatchObject({ code: "no-leader" });
  });

  it("and is not there is refused alone, and the next one gets its index", async () => {
    fail = async () => {
      throw new Error("disk full");
    };
    await expect(publish("first")).rejects.toMatchObject({ code: "storage-failed" });
    fail = (store, ...append) => store.append(...append);
    expect((await publish("second"))[0]).toMatchObject({ index: 1, outcome: "new" });
  });

  it("and is there after all is answered as if nothing had been", async () => {
    fail = async (store, ...append) => {
      await store.append(...append);
      throw new Error("input/output error");
    };
    expect((await publish("first"))[0]).toMatchObject({ index: 1, outcome: "new", state: "published" });
  });
});
