// Before a log signs, its witnesses are asked what they have seen: enough of them can stop it, and one of several cannot.
import { describe, expect, it, vi } from "vitest";
import { askWitnesses } from "../../../src/log/checkpointing/ask-witnesses.ts";
import type { Cosigner } from "../../../src/log/checkpointing/cosigner.ts";
import { HttpWitness } from "../../../src/log/checkpointing/http-witness.ts";
import { parseTlogPolicy } from "../../../src/protocol/note/tlog-policy.ts";
import { logKey, signedCheckpoint } from "../../support/notes.ts";
import { logKey as policyLogKey, tlogPolicy, witnessKey } from "../../support/witnesses.ts";

const note = await signedCheckpoint(
  { origin: "log.example", size: 7, root: new Uint8Array(32) },
  await logKey("log.example"),
);

type Seen = number | Error | "never";

/** Witnesses w0, w1, …, each of which has seen so much; without a number it is the log's own cosigner. */
async function ask(threshold: number, ...seen: ReadonlyArray<Seen | undefined>) {
  const keys = await Promise.all(seen.map((_, i) => witnessKey(`w${i}.example`)));
  const policy = parseTlogPolicy(tlogPolicy(await policyLogKey(), keys, threshold));
  const cosigners = seen.map((claim, i): Cosigner => {
    const gather = async () => [];
    if (claim === undefined) return { name: `w${i}.example`, gather };
    const sizeSeen = async (_note: string, signal: AbortSignal) => {
      if (claim instanceof Error) throw claim;
      if (claim === "never") await new Promise((_, reject) => signal.addEventListener("abort", reject));
      return claim as number;
    };
    return { name: `w${i}.example`, gather, sizeSeen };
  });
  const warn = vi.fn();
  const logger = { warn, info: vi.fn(), error: vi.fn() } as unknown as Parameters<
    typeof askWitnesses
  >[0]["logger"];
  await askWitnesses({ policy, cosigners, note, size: 10, logger });
  return warn.mock.calls.length;
}

const REFUSED = { name: "StartRefusedError", code: "database-behind" };
const down = new Error("connection refused");

describe("a log that is to sign size 10", () => {
  it.each<[string, number, Array<Seen | undefined>]>([
    ["they have seen no more", 2, [10, 3, 0]],
    ["too few answer to be a quorum that has seen more", 2, [down, down, 10]],
    ["nobody answers", 2, [down, down, down]],
    ["its own cosigner is all there is", 1, [undefined]],
  ])("goes on where %s", async (_what, threshold, seen) => {
    expect(await ask(threshold, ...seen)).toBe(0);
  });

  it.each<[string, number, Seen[]]>([
    ["one of three", 2, [11, 10, 10]],
    ["one of two that suffice alone", 1, [11, 10]],
    ["one, while another one is down for a while", 2, [11, 10, down]],
  ])("goes on where %s claims more, and says so", async (_what, threshold, seen) => {
    expect(await ask(threshold, ...seen)).toBe(1);
  });

  it.each<[string, number, Seen[]]>([
    ["two of three", 2, [11, 12, 10]],
    ["the only one", 1, [11]],
    ["one that is needed", 3, [10, 10, 11]],
  ])("is refused where %s claim more", async (_what, threshold, seen) => {
    await expect(ask(threshold, ...seen)).rejects.toMatchObject(REFUSED);
  });

  it("waits for no witness that it does not need", async () => {
    expect(await ask(1, 10, "never")).toBe(0);
  });
});

describe("a witness over HTTP", () => {
  const seen = (status: number, body: string) =>
    new HttpWitness({
      name: "w",
      url: "http://w.example",
      fetch: (async () => new Response(body, { status })) as typeof fetch,
    }).sizeSeen(note, AbortSignal.timeout(1000));

  it("says what it saw by refusing to continue nothing, and cosigns where it saw nothing", async () => {
    expect(await seen(409, "15\n")).toBe(15);
    expect(await seen(200, "— w.example AAAA\n")).toBe(7);
  });

  it("says nothing by any other answer", async () => {
    await expect(seen(409, "what?")).rejects.toThrow(/409/);
    await expect(seen(500, "15\n")).rejects.toThrow(/500/);
  });
});
