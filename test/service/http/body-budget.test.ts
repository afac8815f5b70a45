// Request bodies together hold no more than a bound, and those who send little are not kept out by those who send much.
import { describe, expect, test } from "vitest";
import { BodyBudget } from "../../../src/service/http/body-budget.ts";
import { ByteBuffer } from "../../../src/service/http/byte-buffer.ts";
import { splitLines } from "../../../src/service/http/split-lines.ts";

const full = expect.objectContaining({ code: "queue-full" });

describe("bodies that are being read", () => {
  test("of twelve clients that send 47 MiB each hold no more than the bound, and a small one still gets in", () => {
    const limit = 192 * 1024 * 1024;
    const budget = new BodyBudget(limit);
    const attackers = Array.from({ length: 12 }, () => budget.open());
    let most = 0;
    for (let sent = 0; sent < 47; sent++) {
      for (const body of attackers.filter(({ signal }) => !signal.aborted)) {
        try {
          body.take(1024 * 1024);
        } catch (error) {
          expect(error).toEqual(full);
        }
        most = Math.max(most, budget.held);
      }
    }
    expect(most).toBeLessThanOrEqual(limit);
    const small = budget.open();
    small.take(5000);
    small.complete();
    expect(budget.held).toBeLessThanOrEqual(limit);
    expect(small.signal.aborted).toBe(false);
  });

  test("give way by length: the longest that is still being read", () => {
    const budget = new BodyBudget(100);
    const read = budget.open();
    read.take(60);
    read.complete();
    const long = budget.open();
    long.take(30);
    const short = budget.open();
    short.take(20);
    expect([read, long, short].map(({ signal }) => signal.aborted)).toEqual([false, true, false]);
    expect(long.signal.reason).toEqual(full);
    expect(() => long.take(1)).toThrow(full);
    expect(budget.held).toBe(80);
    expect(() => short.take(30)).toThrow(full);
    expect(budget.held).toBe(60);
    for (const body of [read, long, short]) body.release();
    expect(budget.held).toBe(0);
  });
});

describe("lines", () => {
  async function* inPieces(text: string, size: number) {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += size) yield new Uint8Array(bytes.subarray(at, at + size));
  }
  const linesOf = async (text: string, size: number, limit = 100) => {
    const lines: string[] = [];
    const split = splitLines(
      inPieces(text, size),
      () => limit,
      () => new Error("too long"),
    );
    for await (const line of split) lines.push(Buffer.from(line).toString());
    return lines;
  };

  test.each([1, 2, 3, 7, 100])("are the same in whatever pieces of %i bytes they arrive", async (size) => {
    expect(await linesOf("one\n\ntwo\r\nthree", size)).toEqual(["one", "", "two\r", "three"]);
    expect(await linesOf("one\n", size)).toEqual(["one"]);
    expect(await linesOf("", size)).toEqual([]);
  });

  test("that are too long are refused before they are whole", async () => {
    let read = 0;
    async function* endless() {
      for (;;) {
        read += 10;
        yield new Uint8Array(10);
      }
    }
    const split = splitLines(
      endless(),
      () => 95,
      () => new Error("too long"),
    );
    await expect(split.next()).rejects.toThrow("too long");
    expect(read).toBe(100);
  });

  test("gathered from single bytes take no more memory than twice their length", () => {
    const buffer = new ByteBuffer();
    for (let i = 0; i < 10_000; i++) buffer.append(Uint8Array.of(i));
    const taken = buffer.take();
    expect([taken.length, taken.buffer.byteLength <= 20_000, buffer.length]).toEqual([10_000, true, 0]);
    buffer.append(Uint8Array.of(1));
    expect(taken[0]).toBe(0);
  });
});
