// Gathering cosignatures, alone: what counts towards the quorum and what does not, when the first value comes, and how it ends.
import { beforeEach, describe, expect, it } from "vitest";
import { type Cosigner, LogBehindError, OwnCosigner } from "../../../src/log/checkpointing/cosigner.ts";
import {
  type Cosigned,
  gatherCosignatures,
  type Quorum,
  QuorumNotMetError,
  quorumOf,
} from "../../../src/log/checkpointing/quorum.ts";
import type { Logger } from "../../../src/log/observer.ts";
import { concatBytes } from "../../../src/protocol/encoding/bytes.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import type { TrustRoot } from "../../../src/protocol/entry/trust-root.ts";
import { cosignatureMessage } from "../../../src/protocol/note/cosignature.ts";
import { formatSignatureLine, parseNote } from "../../../src/protocol/note/signed-note.ts";
import { NOW } from "../../support/clock.ts";
import { signedCheckpoint } from "../../support/notes.ts";
import { logKey, ORIGIN, tlogPolicy, witnessKey } from "../../support/witnesses.ts";

const NAMES = ["a.example", "b.example", "c.example"] as const;
const SECOND = 1000;
const seconds = (time: Date) => time.getTime() / SECOND;
const later = (ms: number) => new Date(NOW.getTime() + ms);

const checkpoint = { origin: ORIGIN, size: 7, root: new Uint8Array(32).fill(7) };
const note = await signedCheckpoint(checkpoint, await logKey());
const request = { checkpoint, note, consistencyFrom: async () => [] };
const keys = await Promise.all(NAMES.map(witnessKey));

const quorumOfThree = async (threshold: number): Promise<Quorum> =>
  quorumOf({ logPolicy: tlogPolicy(await logKey(), keys, threshold) } as TrustRoot);

/** The line of a witness at a time. */
async function lineOf(name: string, time = NOW): Promise<string> {
  const [line = ""] = await new OwnCosigner(await witnessKey(name), () => time).gather(request);
  return line;
}

const answering = (name: string, lines: () => readonly string[] | Promise<readonly string[]>): Cosigner => ({
  name,
  gather: async () => lines(),
});
const honest = (name: string, time = NOW): Cosigner =>
  answering(name, async () => [await lineOf(name, time)]);
const broken = (name: string, error: Error): Cosigner => answering(name, () => Promise.reject(error));
const silent = (name: string): Cosigner => answering(name, () => new Promise(() => undefined));

/** An answer that comes when a test says so. */
function openAnswer() {
  let resolve: (lines: readonly string[]) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<readonly string[]>((...settle) => {
    [resolve, reject] = settle;
  });
  return { promise, resolve, reject };
}

/** A cosigner that answers when it is told to. */
function held(name: string): { readonly cosigner: Cosigner; readonly answer: () => Promise<void> } {
  const gate = openAnswer();
  return {
    cosigner: answering(name, () => gate.promise),
    answer: async () => gate.resolve([await lineOf(name)]),
  };
}

let said: Array<{ level: string; facts: object; message: string }> = [];
const saying = (level: string) => (facts: object, message: string) =>
  void said.push({ level, facts, message });
const logger: Logger = { info: saying("info"), warn: saying("warn"), error: saying("error") };
beforeEach(() => {
  said = [];
});

const never = new AbortController().signal;
const gather = (cosigners: readonly Cosigner[], quorum: Quorum, signal = never) =>
  gatherCosignatures(cosigners, request, quorum, signal, { logger, clock: () => NOW });

async function all(cosigners: readonly Cosigner[], quorum: Quorum): Promise<Cosigned[]> {
  const values: Cosigned[] = [];
  for await (const value of gather(cosigners, quorum)) values.push(value);
  return values;
}
const namesIn = ({ signatures }: Cosigned) => signatures.map(({ name }) => name);

describe("the quorum", () => {
  it.each([1, 2, 3])("of %i is met by as many witnesses and by no fewer", async (threshold) => {
    const quorum = await quorumOfThree(threshold);
    const enough = NAMES.slice(0, threshold).map((name) => honest(name));
    expect((await all(enough, quorum)).map(namesIn)).toEqual([NAMES.slice(0, threshold)]);
    await expect(all(enough.slice(1), quorum)).rejects.toBeInstanceOf(QuorumNotMetError);
  });

  it("is not met by nobody", async () => {
    await expect(all([], await quorumOfThree(1))).rejects.toMatchObject({
      name: "QuorumNotMetError",
      message: "the quorum all-witnesses has not cosigned; missing: w0, w1, w2",
    });
  });

  it("is not met by one witness that answers twice, and only the others are missing", async () => {
    const twice = [honest(NAMES[1]), answering("again", async () => [await lineOf(NAMES[1], later(SECOND))])];
    await expect(all(twice, await quorumOfThree(2))).rejects.toThrow(/missing: w0, w2$/);
  });

  it("is met by the lines of two witnesses that one cosigner brings", async () => {
    const both = answering("both", async () => [await lineOf(NAMES[0]), await lineOf(NAMES[2])]);
    expect((await all([both], await quorumOfThree(2))).map(namesIn)).toEqual([[NAMES[0], NAMES[2]]]);
  });

  it("has the time since which enough have cosigned, not that of the last or the first", async () => {
    const times = [later(-90 * SECOND), later(-60 * SECOND), later(-30 * SECOND)];
    const given = answering("all", () => Promise.all(NAMES.map((name, i) => lineOf(name, times[i]))));
    for (const [threshold, time] of [
      [1, times[2]],
      [2, times[1]],
      [3, times[0]],
    ] as const)
      expect(await all([given], await quorumOfThree(threshold))).toMatchObject([
        { cosignedAt: seconds(time!) },
      ]);
  });

  it("counts a time of at most five minutes ahead of the clock", async () => {
    const quorum = await quorumOfThree(1);
    const most = later(300 * SECOND);
    expect(await all([honest(NAMES[0], most)], quorum)).toMatchObject([{ cosignedAt: seconds(most) }]);
    await expect(all([honest(NAMES[0], later(301 * SECOND))], quorum)).rejects.toThrow(/missing: w1, w2$/);
  });

  it("does not count a time of 0, which says nothing", async () => {
    const { verifierKey, signBytes } = keys[0]!;
    const signed = await signBytes(cosignatureMessage(utf8(parseNote(note).text), 0));
    const signature = concatBytes(new Uint8Array(8), signed);
    const timeless = answering("timeless", () => [formatSignatureLine({ ...verifierKey, signature })]);
    await expect(all([timeless], await quorumOfThree(1))).rejects.toThrow(/missing: w1, w2$/);
    expect(said).toEqual([]);
  });

  it("counts what is not ahead of the clock beside what is, and shows both", async () => {
    const given = answering("both", async () => [
      await lineOf(NAMES[0], later(301 * SECOND)),
      await lineOf(NAMES[1]),
    ]);
    const [first] = await all([given], await quorumOfThree(1));
    expect(first?.cosignedAt).toBe(seconds(NOW));
    expect(namesIn(first!)).toEqual([NAMES[0], NAMES[1]]);
  });
});

describe("gathering", () => {
  it("gives the first value with the quorum, and another for each who comes later", async () => {
    const [a, b, c] = NAMES.map(held);
    const values = gather([a!.cosigner, b!.cosigner, c!.cosigner], await quorumOfThree(2));
    const first = values.next();
    await c!.answer();
    await a!.answer();
    const { value } = await first;
    expect(namesIn(value as Cosigned)).toEqual([NAMES[2], NAMES[0]]);
    await b!.answer();
    expect(namesIn((await values.next()).value as Cosigned)).toEqual([NAMES[2], NAMES[0], NAMES[1]]);
    expect(namesIn(value as Cosigned)).toHaveLength(2);
    expect(await values.next()).toEqual({ done: true, value: undefined });
  });

  it("gives no second value for who answers with nothing", async () => {
    const late = openAnswer();
    const empty = answering("empty", () => late.promise);
    const values = gather([honest(NAMES[0]), empty], await quorumOfThree(1));
    expect((await values.next()).done).toBe(false);
    late.resolve([]);
    expect(await values.next()).toEqual({ done: true, value: undefined });
    expect(said).toEqual([]);
  });

  it("ends without the quorum when the time is up, and says who is missing and why", async () => {
    const time = new AbortController();
    const values = gather([honest(NAMES[0]), silent(NAMES[1])], await quorumOfThree(2), time.signal);
    const first = values.next();
    // Turns in which the one that answers is heard.
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    const reason = new Error("shutting down");
    time.abort(reason);
    await expect(first).rejects.toMatchObject({
      name: "QuorumNotMetError",
      message: "the quorum all-witnesses has not cosigned; missing: w1, w2",
      cause: reason,
    });
  });

  it("ends in peace when the time is up after the quorum", async () => {
    const time = new AbortController();
    const values = gather([honest(NAMES[0]), silent(NAMES[1])], await quorumOfThree(1), time.signal);
    expect((await values.next()).done).toBe(false);
    const end = values.next();
    time.abort();
    expect(await end).toEqual({ done: true, value: undefined });
  });

  it("waits for nobody when the time was up before it began", async () => {
    const values = gather([silent(NAMES[0])], await quorumOfThree(1), AbortSignal.abort());
    await expect(values.next()).rejects.toThrow(QuorumNotMetError);
  });

  it("passes the request and the signal on to each", async () => {
    const asked: unknown[] = [];
    const cosigners = NAMES.map(
      (name): Cosigner => ({
        name,
        gather: async (...call) => {
          asked.push(call);
          return [];
        },
      }),
    );
    await expect(all(cosigners, await quorumOfThree(1))).rejects.toBeInstanceOf(QuorumNotMetError);
    expect(asked).toEqual(NAMES.map(() => [request, never]));
  });
});

describe("a cosigner that fails", () => {
  it("is said to, by name, and the others count without it", async () => {
    const error = new Error("nobody there");
    const [value] = await all([broken("dead", error), honest(NAMES[1])], await quorumOfThree(1));
    expect(namesIn(value!)).toEqual([NAMES[1]]);
    expect(said).toEqual([
      { level: "warn", facts: { err: error, cosigner: "dead" }, message: "a cosigner gave no cosignature" },
    ]);
  });

  it("with a larger tree of this log ends it, before the quorum and after it", async () => {
    const behind = broken("knowing", new LogBehindError("size 9 was cosigned"));
    await expect(all([silent(NAMES[0]), behind], await quorumOfThree(1))).rejects.toThrow(LogBehindError);
    const late = openAnswer();
    const knowing = answering("knowing", () => late.promise);
    const values = gather([honest(NAMES[0]), knowing], await quorumOfThree(1));
    expect((await values.next()).done).toBe(false);
    late.reject(new LogBehindError("size 9 was cosigned"));
    await expect(values.next()).rejects.toMatchObject({
      name: "LogBehindError",
      message: "size 9 was cosigned",
    });
    expect(said).toEqual([]);
  });
});

describe("lines that are no cosignature of the checkpoint", () => {
  it("but of another one, by a witness of the trust root, refuse all that came with them", async () => {
    const other = { ...checkpoint, size: 8 };
    const witness = new OwnCosigner(keys[1]!, () => NOW);
    const forged = await witness.gather({ ...request, note: await signedCheckpoint(other, await logKey()) });
    const liar = answering("liar", async () => [await lineOf(NAMES[0]), ...forged]);
    await expect(all([liar], await quorumOfThree(1))).rejects.toThrow(/missing: w0, w1, w2$/);
    expect(said).toMatchObject([{ level: "warn", facts: { cosigner: "liar" } }]);
  });

  it("but of an unknown key are left out, and nothing is said of them", async () => {
    const mixed = answering("mixed", async () => [await lineOf("stranger.example"), await lineOf(NAMES[0])]);
    expect((await all([mixed], await quorumOfThree(1))).map(namesIn)).toEqual([[NAMES[0]]]);
    expect(said).toEqual([]);
  });

  it("and no lines at all count as no answer", async () => {
    const garbled = answering("garbled", () => ["no signature\n"]);
    await expect(all([garbled], await quorumOfThree(1))).rejects.toBeInstanceOf(QuorumNotMetError);
    expect(said).toMatchObject([{ level: "warn", message: "a cosigner gave no cosignature" }]);
  });
});

describe("a cosigner that the trust root does not name", () => {
  it("is told once for each name and trust root, with the keys that it signed with", async () => {
    const strangers = ["x.example", "y.example"].map((name) => honest(name));
    const quorum = await quorumOfThree(1);
    for (let round = 0; round < 2; round++) await all([...strangers, honest(NAMES[0])], quorum);
    const keysOf = async (name: string) => [`${name}+${(await witnessKey(name)).verifierKey.keyId}`];
    const message = "a cosigner answers that the trust root does not name yet; it does not count until then";
    expect(said).toEqual([
      { level: "info", facts: { cosigner: "x.example", keys: await keysOf("x.example") }, message },
      { level: "info", facts: { cosigner: "y.example", keys: await keysOf("y.example") }, message },
    ]);
    await all([...strangers, honest(NAMES[0])], await quorumOfThree(1));
    expect(said).toHaveLength(4);
  });

  it("is none that the trust root names because its key has the same ID", async () => {
    const { keyId } = keys[0]!.verifierKey;
    const signature = new Uint8Array(72);
    const posing = answering("posing", () => [formatSignatureLine({ name: "x.example", keyId, signature })]);
    await all([posing, honest(NAMES[0])], await quorumOfThree(1));
    expect(said).toMatchObject([{ level: "info", facts: { keys: [`x.example+${keyId}`] } }]);
  });

  it("but by a name of it is one with another key, which is trouble", async () => {
    const stranger = await lineOf("x.example");
    const other = answering("other", () => [
      stranger,
      `— ${NAMES[1]} ${Buffer.alloc(76, 1).toString("base64")}\n`,
    ]);
    await all([other, honest(NAMES[0])], await quorumOfThree(1));
    expect(said).toEqual([
      {
        level: "warn",
        facts: { cosigner: "other", keys: [expect.stringMatching(/^x\.example\+/), `${NAMES[1]}+01010101`] },
        message: "a cosigner signs with another key than the trust root names for it; it does not count",
      },
    ]);
  });
});
