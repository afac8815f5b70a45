// Every way in which a log, a mirror or whoever sits between can answer something that is not the log.
import { beforeAll, describe, expect, it } from "vitest";
import { decodeUtf8, utf8 } from "../../src/protocol/encoding/text.ts";
import { encodeEntryBundle, parseEntryBundle } from "../../src/protocol/merkle/tile.ts";
import { NOW } from "../support/clock.ts";
import { signedCheckpoint } from "../support/notes.ts";
import { signPlatforms } from "../support/signing.ts";
import { logKey, ORIGIN, witnessKey } from "../support/witnesses.ts";
import {
  auditServed,
  codesOf,
  fetchFrom,
  flipBit,
  type HonestLog,
  honestLog,
  KERNEL,
  PREFIX,
  placesOf,
  type Served,
  serve,
  TRUST_ROOT,
  without,
} from "./served-log.ts";

const SIZE = 10;
const ENTRIES = `tile/entries/000.p/${SIZE}`;
const TILE = `tile/0/000.p/${SIZE}`;

let honest: HonestLog;
let served: Served;
beforeAll(async () => {
  honest = await honestLog();
  served = await serve(honest.log);
});

const audit = (tampered: Served) => auditServed(tampered, honest.trust);
const entriesOf = (from: Served) => parseEntryBundle(from.get(ENTRIES)!, SIZE);
const withEntries = (entries: readonly Uint8Array[]) =>
  new Map(served).set(ENTRIES, encodeEntryBundle(entries));

describe("entries", () => {
  it("a bit flipped in any entry is found at that entry", async () => {
    let at = 0;
    for (const [index, entry] of entriesOf(served).entries()) {
      for (const byte of [0, Math.floor(entry.length / 2), entry.length - 1]) {
        const report = await audit(flipBit(served, ENTRIES, at + 2 + byte, byte % 8));
        expect(placesOf(report)).toEqual([`entry-differs@${index}`]);
      }
      at += 2 + entry.length;
    }
  });

  it("a bit flipped in a length breaks the bundle", async () => {
    for (const byte of [0, 1])
      expect(placesOf(await audit(flipBit(served, ENTRIES, byte)))).toEqual(["bundle-malformed@0"]);
  });

  it("a truncated bundle is refused at every length", async () => {
    const bytes = served.get(ENTRIES)!;
    for (let length = 0; length < bytes.length; length += 997) {
      const report = await audit(new Map(served).set(ENTRIES, bytes.slice(0, length)));
      expect(placesOf(report)).toEqual(["bundle-malformed@0"]);
    }
  });

  it("bytes after the last entry are refused", async () => {
    const longer = Uint8Array.from([...served.get(ENTRIES)!, 0]);
    expect(codesOf(await audit(new Map(served).set(ENTRIES, longer)))).toEqual(["bundle-malformed"]);
  });

  it("an entry that is in the tree but hidden behind another one is found", async () => {
    const entries = entriesOf(served);
    entries[KERNEL] = entries[KERNEL + 1]!;
    expect(placesOf(await audit(withEntries(entries)))).toEqual([`entry-differs@${KERNEL}`]);
  });

  it("two entries that were swapped are both found", async () => {
    const entries = entriesOf(served);
    [entries[2], entries[3]] = [entries[3]!, entries[2]!];
    expect(placesOf(await audit(withEntries(entries)))).toEqual(["entry-differs@2", "entry-differs@3"]);
  });

  it("a hidden trust root accuses nobody of what was not seen", async () => {
    const entries = entriesOf(served);
    entries[TRUST_ROOT] = entries[KERNEL]!;
    const report = await audit(withEntries(entries));
    expect(placesOf(report)).toEqual([`entry-differs@${TRUST_ROOT}`]);
    expect(report.entriesChecked).toBe(0);
  });

  it("a missing bundle is found", async () => {
    expect(placesOf(await audit(without(served, ENTRIES)))).toEqual(["bundle-missing@0"]);
  });
});

describe("tiles", () => {
  it("a bit flipped in any hash of a level-0 tile is found at that entry, and in the root", async () => {
    for (let index = 0; index < SIZE; index++) {
      const report = await audit(flipBit(served, TILE, 32 * index + index));
      expect(placesOf(report)).toEqual([`entry-differs@${index}`, "root-differs@-"]);
      expect(report.secondOpinion).toBe("skipped");
    }
  });

  it("a missing, a truncated and a wider tile are found", async () => {
    const tile = served.get(TILE)!;
    expect(codesOf(await audit(without(served, TILE)))).toEqual(["tile-missing"]);
    const short = new Map(served).set(TILE, tile.slice(0, -32));
    expect(codesOf(await audit(short))).toEqual(["tile-malformed"]);
    const wide = new Map(served).set(TILE, Uint8Array.from([...tile, ...new Uint8Array(32)]));
    expect(codesOf(await audit(wide))).toEqual(["tile-malformed"]);
  });

  it("takes the full tile and bundle where partial ones are no longer kept", async () => {
    const { log, keys, trust } = await honestLog();
    const at = await serve(log);
    for (const envelope of await signPlatforms(keys, "more", 256 - SIZE)) await log.add(envelope);
    const grown = await serve(log);
    const pruned = grown.set("checkpoint", at.get("checkpoint")!);
    expect((await auditServed(pruned, trust)).findings).toEqual([]);
  });

  it("a bit flipped in a higher tile is found there", async () => {
    const { log, keys, trust } = await honestLog();
    for (const envelope of await signPlatforms(keys, "wide", 290)) await log.add(envelope);
    const report = await auditServed(flipBit(await serve(log), "tile/1/000.p/1", 31), trust);
    expect(placesOf(report)).toEqual(["tile-differs@-"]);
    expect(report.findings[0]?.message).toMatch("tile/1/000.p/1");
  });
});

describe("attachments", () => {
  const path = () => `v1/attachments/sha256/${honest.attachment}`;

  it("a missing one is found", async () => {
    expect(placesOf(await audit(without(served, path())))).toEqual([`attachment-missing@${KERNEL}`]);
  });

  it("one that differs is found", async () => {
    expect(placesOf(await audit(flipBit(served, path(), 5)))).toEqual([`attachment-differs@${KERNEL}`]);
  });
});

describe("the checkpoint", () => {
  const show = (note: string) => auditServed(new Map(served).set("checkpoint", utf8(note)), honest.trust);
  const root = () => honest.log.tree().roots[SIZE]!;
  const seconds = Math.floor(NOW.getTime() / 1000);

  it("a bit flipped anywhere in it is found", async () => {
    const { length } = served.get("checkpoint")!;
    for (let byte = 0; byte < length; byte += 3) {
      const report = await audit(flipBit(served, "checkpoint", byte, byte % 5));
      expect(report.findings.length, `byte ${byte}`).toBeGreaterThan(0);
    }
  });

  it("of another key is refused", async () => {
    const stranger = await logKey("other.example/log");
    const own = [[await witnessKey("own.example"), seconds]] as const;
    const note = await signedCheckpoint({ origin: ORIGIN, size: SIZE, root: root() }, stranger, own);
    expect(codesOf(await show(note))).toEqual(["checkpoint-signature"]);
  });

  it("without the quorum is refused", async () => {
    const note = await signedCheckpoint({ origin: ORIGIN, size: SIZE, root: root() }, await logKey());
    expect(codesOf(await show(note))).toEqual(["checkpoint-quorum"]);
  });

  it("of another log is refused", async () => {
    const other = await honest.log.checkpoint(SIZE, NOW, "other.example/log");
    expect(codesOf(await show(other))).toEqual(["checkpoint-origin"]);
  });

  it("that is stale is found, and one from the future too", async () => {
    for (const days of [2, -2]) {
      const now = new Date(NOW.getTime() + days * 86_400_000);
      const report = await auditServed(served, honest.trust, { now });
      expect(codesOf(report)).toContain("checkpoint-stale");
    }
  });

  it("over another root is found", async () => {
    const note = await signedCheckpoint(
      { origin: ORIGIN, size: SIZE, root: honest.log.tree().roots[SIZE - 1]! },
      await logKey(),
      [[await witnessKey("own.example"), seconds]],
    );
    expect(codesOf(await show(note))).toEqual(["root-differs", "second-opinion-differs"]);
  });

  it("of more entries than there are is found", async () => {
    const note = await signedCheckpoint({ origin: ORIGIN, size: 2 ** 53 - 1, root: root() }, await logKey(), [
      [await witnessKey("own.example"), seconds],
    ]);
    expect(codesOf(await show(note))).toEqual(["bundle-missing", "tile-missing"]);
  });

  it("that is no checkpoint is refused", async () => {
    const note = decodeUtf8(served.get("checkpoint")!);
    expect(codesOf(await show("<html>"))).toEqual(["checkpoint-malformed"]);
    expect(codesOf(await show(note.replace("\n10\n", "\n010\n")))).toEqual(["checkpoint-malformed"]);
  });
});

describe("time in the log", () => {
  it("a status that is dated in the future is found: a clock was wrong", async () => {
    const early = new Date(NOW.getTime() - 20 * 86_400_000);
    const fresh = await serve(honest.log, SIZE, early);
    const report = await auditServed(fresh, honest.trust, { now: early });
    expect(codesOf(report)).toEqual(["status-ahead-of-clock"]);
  });

  it("an expired status and an expired trust root are found", async () => {
    const late = new Date("2036-02-01T00:00:00Z");
    const fresh = await serve(honest.log, SIZE, late);
    const report = await auditServed(fresh, honest.trust, { now: late });
    expect(codesOf(report)).toEqual(["trust-root-expired", "status-expired"]);
  });
});

describe("answers without end", () => {
  const endless = (path: string, chunk: Uint8Array, pauseMs: number): typeof fetch => {
    const honestFetch = fetchFrom(served);
    return async (input) => {
      if (String(input) !== `${PREFIX}/${path}`) return honestFetch(input);
      const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
        controller.enqueue(chunk);
      };
      return new Response(new ReadableStream({ pull }));
    };
  };

  it("one that is longer than it can be is cut off", async () => {
    const { trust, attachment } = honest;
    const megabyte = new Uint8Array(1 << 20);
    const codes = async (path: string) =>
      codesOf(await auditServed(served, trust, { fetch: endless(path, megabyte, 0) }));
    expect(await codes("checkpoint")).toEqual(["answer-too-long"]);
    expect(await codes(ENTRIES)).toEqual(["answer-too-long"]);
    expect(await codes(TILE)).toEqual(["answer-too-long"]);
    expect(await codes(`v1/attachments/sha256/${attachment}`)).toEqual(["answer-too-long"]);
  });

  it.each(["checkpoint", TILE, ENTRIES])("a drip of %s is given up", async (path) => {
    const fetch = endless(path, Uint8Array.of(1), 20);
    await expect(auditServed(served, honest.trust, { fetch })).rejects.toThrow(
      "no whole answer within 200 ms",
    );
  });

  it("a request that is never answered is given up", async () => {
    const fetch = () => new Promise<Response>(() => undefined);
    await expect(auditServed(served, honest.trust, { fetch })).rejects.toThrow(
      "no whole answer within 200 ms",
    );
  });
});
