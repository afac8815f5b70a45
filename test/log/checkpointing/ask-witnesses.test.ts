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

/** What a witness says; in an array, some turns later than the others. */
type Seen = number | Error | "never" | readonly [number];

interface Asked {
  /** "none", or how many have to cosign. */
  readonly threshold: number | "none";
  /** Without an answer it is the log's own cosigner; null is a witness that the log cannot reach. */
  readonly seen: ReadonlyArray<Seen | undefined | null>;
  /** Whether cosigners have the names of the policy, and not those of their keys. */
  readonly byPolicyName?: boolean;
}

/** Witnesses w0, w1, … @returns what was said of those that claim more. */
async function askAll({ threshold, seen, byPolicyName = false }: Asked) {
  const keys = await Promise.all(seen.map((_, i) => witnessKey(`w${i}.example`)));
  const needed = threshold === "none" ? keys.length : threshold;
  const text = tlogPolicy(await policyLogKey(), keys, needed);
  const policy = parseTlogPolicy(threshold === "none" ? text.replace(/^quorum .*$/m, "quorum none") : text);
  const cosigners = seen.flatMap((claim, i): Cosigner[] => {
    if (claim === null) return [];
    const name = byPolicyName ? `w${i}` : `w${i}.example`;
    const gather = async () => [];
    return [claim === undefined ? { name, gather } : { name, gather, sizeSeen: () => answerOf(claim) }];
  });
  const warn = vi.fn();
  const logger = { warn, info: vi.fn(), error: vi.fn() } as unknown as Parameters<
    typeof askWitnesses
  >[0]["logger"];
  await askWitnesses({ policy, cosigners, note, size: 10, logger });
  return warn.mock.calls;
}

async function answerOf(claim: Seen): Promise<number> {
  if (claim instanceof Error) throw claim;
  if (claim === "never") return new Promise(() => undefined);
  if (typeof claim === "number") return claim;
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  return claim[0];
}

const ask = async (threshold: Asked["threshold"], ...seen: Asked["seen"]) =>
  (await askAll({ threshold, seen })).length;

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

  it.each<[string, Asked]>([
    ["a witness that it does not need", { threshold: 1, seen: [10, "never"] }],
    ["one that it does not need beside its own cosigner", { threshold: 1, seen: [undefined, "never"] }],
    ["any where it needs none", { threshold: "none", seen: ["never"] }],
  ])("does not wait for %s", async (_what, asked) => {
    expect(await askAll(asked)).toEqual([]);
  });

  it("waits for those that answer later, where without them there is no quorum", async () => {
    expect(await ask(2, 10, [11], [10])).toBe(1);
    expect(await ask(2, down, 10, [11])).toBe(1);
    await expect(ask(2, 10, [11], [12])).rejects.toMatchObject(REFUSED);
  });

  it("says who claims what", async () => {
    const [[facts]] = (await askAll({ threshold: 1, seen: [11, 12, [10]] })) as [[unknown]];
    expect(facts).toEqual({ claimed: "w0: 11, w1: 12", size: 10 });
  });

  it("finds a witness by the name of its key, and by that in the policy", async () => {
    for (const byPolicyName of [false, true])
      await expect(askAll({ threshold: 1, seen: [11], byPolicyName })).rejects.toMatchObject(REFUSED);
  });

  it("asks those that it can reach", async () => {
    expect(await ask(1, null, 10)).toBe(0);
    await expect(ask(2, null, 11)).rejects.toMatchObject(REFUSED);
  });
});

describe("a witness over HTTP", () => {
  const signal = new AbortController().signal;
  function seen(status: number, body: string, asked = vi.fn()) {
    const fetch = (async (...request: unknown[]) => {
      asked(...request);
      return new Response(body, { status });
    }) as typeof globalThis.fetch;
    return new HttpWitness({ name: "w", url: "http://w.example", fetch }).sizeSeen(note, signal);
  }

  it("is asked to cosign from nothing what the log has signed before, and is not followed elsewhere", async () => {
    const asked = vi.fn();
    await seen(409, "15\n", asked);
    const request = { method: "POST", body: `old 0\n\n${note}`, redirect: "manual", signal };
    expect(asked).toHaveBeenCalledExactlyOnceWith("http://w.example/add-checkpoint", request);
  });

  it("says what it saw by refusing to continue nothing, and cosigns where it saw nothing", async () => {
    expect(await seen(409, "15\n")).toBe(15);
    expect(await seen(200, "— w.example AAAA\n")).toBe(7);
  });

  it("says nothing by any other answer", async () => {
    await expect(seen(409, "what?")).rejects.toThrow(/409/);
    await expect(seen(500, "15\n")).rejects.toThrow(/500/);
  });
});
