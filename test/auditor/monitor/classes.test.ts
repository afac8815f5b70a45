// What a monitor finds falls into five classes that are never mixed: an outage, a late mirror or a page of a proxy is never tamper, and
// tampering is never an outage.
import { afterEach, describe, expect, it } from "vitest";
import type { ExpectedFile } from "../../../src/auditor/monitor/expected-entries.ts";
import { acknowledge, findingId } from "../../../src/auditor/monitor/findings-book.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import type { Predicate } from "../../../src/protocol/entry/kinds.ts";
import { parseNote } from "../../../src/protocol/note/signed-note.ts";
import { revocationPredicate, statusPredicate } from "../../support/document-predicates.ts";
import { signedCheckpoint } from "../../support/notes.ts";
import { platformPredicate } from "../../support/release-predicates.ts";
import { signStatement } from "../../support/signing.ts";
import { logKey, ORIGIN, tlogPolicy, witnessKey } from "../../support/witnesses.ts";
import { flipBit, serve, without } from "../served-log.ts";
import {
  failing,
  forkOf,
  MIRROR,
  page,
  SERVICE,
  serving,
  showing,
  unreachable,
  WatchedWorld,
  WITNESS,
  type WorldOptions,
} from "./watched-world.ts";

let world: WatchedWorld | undefined;
const make = async (options: WorldOptions = {}): Promise<WatchedWorld> => {
  world = await WatchedWorld.make(options);
  return world;
};
afterEach(() => {
  world?.remove();
  world = undefined;
});

const HOUR = 3600;

describe("an honest log", () => {
  it("is found honest at every size, from every vantage point", async () => {
    const w = await make();
    for (let i = 0; i < 5; i++) {
      for (const url of [SERVICE, MIRROR, WITNESS]) await w.show(url);
      expect(await w.found()).toEqual([]);
      await w.log.publish("platform", platformPredicate(`more-${i}`), [w.log.keys.publisher]);
      w.later(60);
    }
    expect(w.state.memory.completed).toBe(w.log.envelopes.length - 1);
  });

  it("may show other and newer cosignatures over the same tree", async () => {
    const w = await make();
    await w.show(MIRROR);
    await w.round();
    w.later(HOUR);
    await w.show(SERVICE);
    expect(await w.found()).toEqual([]);
    expect(w.events).toEqual([]);
  });

  it("may replace its trust root and its witnesses", async () => {
    const w = await make();
    await w.round();
    const witnesses = [await witnessKey("own.example"), await witnessKey("two.example")];
    const next = await w.log.nextRoot({ logPolicy: tlogPolicy(await logKey(), witnesses, 1) });
    await w.log.publish("trust-root", next, w.log.keys.root);
    await w.log.publishStatus();
    await w.show(SERVICE);
    await w.round();
    // The second witness has not cosigned yet, which is nobody's business within the hour.
    expect(w.openNames()).toEqual([]);
    w.later(1.5 * HOUR);
    await w.show(SERVICE);
    await w.round();
    expect(w.openNames()).toEqual(["witness cosignature-missing two.example"]);
  });
});

describe("infrastructure, and nothing else, is", () => {
  it.each([
    ["a name that does not resolve", unreachable, "unreachable"],
    ["a server that answers 502", failing(502), "http-502"],
    ["a server that answers 429", failing(429), "http-429"],
    ["a server without a log", failing(404), "no-log"],
    ["the page of a hotel's network", page, "no-checkpoint"],
    ["a checkpoint of another log", showingElsewhere, "other-log"],
  ])("%s", async (_, answer, code) => {
    const w = await make();
    await w.round();
    w.answers.set(SERVICE, answer);
    expect(await w.found()).toEqual([`infrastructure ${code}`]);
  });

  function showingElsewhere(): Promise<Response> {
    return signedElsewhere().then((note) => new Response(note));
  }
  async function signedElsewhere(): Promise<string> {
    const origin = "other.example/log";
    return signedCheckpoint({ origin, size: 1, root: new Uint8Array(32) }, await logKey(origin));
  }

  it("a slow answer", async () => {
    const w = await make({ slowMs: 5000 });
    const answer = w.answers.get(SERVICE)!;
    w.answers.set(SERVICE, (path) => {
      if (path === "checkpoint") w.ticks += 6000;
      return answer(path);
    });
    expect(await w.found()).toEqual(["infrastructure slow"]);
  });

  it("a mirror that is behind, once it has been so for longer than a witness may be late", async () => {
    const w = await make();
    await w.show(MIRROR);
    await w.log.publish("platform", platformPredicate("newer"), [w.log.keys.publisher]);
    await w.show(SERVICE);
    expect(await w.found()).toEqual(["infrastructure behind"]);
    expect(w.openNames()).toEqual([]);
    w.later(2 * HOUR);
    await w.show(SERVICE);
    await w.round();
    expect(w.openNames()).toEqual([`infrastructure behind ${MIRROR}`]);
    await w.show(MIRROR);
    await w.round();
    expect(w.openNames()).toEqual([]);
  });

  it("a tile that is missing, which does not stop the replay where another vantage point has it", async () => {
    const w = await make();
    await w.round();
    await w.log.publish("platform", platformPredicate("newer"), [w.log.keys.publisher]);
    const whole = await serve(w.log);
    w.answers.set(SERVICE, serving(without(whole, `tile/0/000.p/${w.log.envelopes.length}`)));
    w.answers.set(MIRROR, serving(whole));
    expect(await w.found()).toEqual(["infrastructure unproven"]);
    expect(w.state.memory.completed).toBe(w.log.envelopes.length);
  });

  it("an answer that was mixed up once", async () => {
    const w = await make();
    const whole = await serve(w.log);
    const path = `tile/entries/000.p/${w.log.envelopes.length}`;
    const mixed = flipBit(whole, path, 40);
    let asked = 0;
    w.answers.set(SERVICE, (asking) => serving(asking === path && asked++ === 0 ? mixed : whole)(asking));
    expect(await w.found()).toEqual([]);
    expect(w.state.memory.completed).toBe(w.log.envelopes.length);
  });

  it("never forgets what was replayed, however the vantage points fail", async () => {
    const w = await make();
    await w.round();
    const size = w.state.memory.completed;
    const broken = new Map([["checkpoint", utf8(await w.log.checkpoint(size, w.now))]]);
    await w.log.publish("platform", platformPredicate("newer"), [w.log.keys.publisher]);
    broken.set("checkpoint", utf8(await w.log.checkpoint(size + 1, w.now)));
    for (const answer of [unreachable, failing(500), page, serving(broken)]) {
      w.answers.set(SERVICE, answer);
      const { round } = await w.round();
      expect(round.findings.map((finding) => finding.class)).toEqual(["infrastructure"]);
      expect(w.state.memory.head.size).toBe(size);
    }
    await w.show(SERVICE);
    expect(await w.found()).toEqual([]);
    expect(w.state.memory.completed).toBe(size + 1);
  });
});

describe("tamper is", () => {
  it("a checkpoint whose log signature is wrong", async () => {
    const w = await make();
    const note = await w.log.checkpoint();
    w.answers.set(WITNESS, showing(note.replace(/^\d+$/m, "99")));
    expect(await w.found()).toEqual(["tamper log-signature"]);
  });

  it("a checkpoint of the log's name that somebody else signed", async () => {
    const w = await make();
    const checkpoint = { origin: ORIGIN, size: 3, root: new Uint8Array(32) };
    const thief = { ...(await logKey("thief.example")) };
    w.answers.set(WITNESS, showing(await signedCheckpoint(checkpoint, thief)));
    expect(await w.found()).toEqual(["tamper log-signature"]);
  });

  it("two roots of one size", async () => {
    const w = await make();
    await w.show(WITNESS, await forkOf(w.log, w.log.envelopes.length - 1, "thief"));
    expect(await w.found()).toEqual(["tamper split-view"]);
    expect(w.open()[0]).toMatchObject({ subject: WITNESS, proof: { origin: ORIGIN, consistency: [] } });
  });

  it("a smaller tree that is no beginning of the larger one", async () => {
    const w = await make();
    await w.show(MIRROR, await forkOf(w.log, 4, "thief"));
    expect(await w.found()).toEqual(["tamper split-view"]);
  });

  it("a larger tree that does not continue the one that was replayed; the replay goes on with the other", async () => {
    const w = await make();
    await w.round();
    const fork = await forkOf(w.log, 6, "thief");
    for (let i = 0; i < 9; i++)
      await fork.publish("platform", platformPredicate(`thief-${i}`), [fork.keys.publisher]);
    await w.log.publish("platform", platformPredicate("honest"), [w.log.keys.publisher]);
    await w.show(MIRROR, fork);
    await w.show(SERVICE);
    await w.round();
    expect(w.openNames()).toEqual([`tamper split-view ${MIRROR}`]);
    expect(w.state.memory.completed).toBe(w.log.envelopes.length);
  });

  it("a tree that a witness saw before the service showed another of that size", async () => {
    const w = await make();
    const fork = await forkOf(w.log, w.log.envelopes.length, "thief");
    await w.show(WITNESS, fork);
    expect(await w.found()).toEqual(["infrastructure behind"]);
    w.answers.set(WITNESS, unreachable);
    for (let i = 0; i < 3; i++)
      await w.log.publish("platform", platformPredicate(`honest-${i}`), [w.log.keys.publisher]);
    w.restart();
    await w.show(SERVICE);
    expect(await w.found()).toContain("tamper split-view");
    expect(w.open()[0]!.subject).toBe(WITNESS);
  });

  it("a vantage point that shows less than it has shown with a quorum, and another that never was so far is behind", async () => {
    const w = await make();
    await w.round();
    const size = w.log.envelopes.length;
    await w.show(SERVICE, w.log, size - 1);
    await w.show(MIRROR, w.log, size - 1);
    expect(await w.found()).toEqual(["tamper rolled-back"]);
    expect(w.open()[0]!.subject).toBe(SERVICE);
  });

  it("an entry that the trust root did not allow", async () => {
    const w = await make();
    const { publisher } = w.log.keys;
    w.log.smuggle(
      await signStatement(
        "revocation",
        revocationPredicate({ name: "x", digests: [w.log.envelopes[1]!.payloadDigest] }),
        [publisher],
      ),
    );
    await w.show(SERVICE);
    expect(await w.found()).toEqual(["tamper rule-not-authorised"]);
    expect(w.state.memory.completed).toBe(w.log.envelopes.length);
  });

  it("a status that is not true", async () => {
    const w = await make();
    const before = w.log.inForce;
    const lie = { sequence: 2, previous: before.status!.digest, policies: [] } as Partial<
      Predicate<"status">
    >;
    w.log.smuggle(await signStatement("status", statusPredicate(before, lie), [w.log.keys.status]));
    await w.show(SERVICE);
    expect(await w.found()).toEqual(["tamper rule-status-not-true"]);
  });

  it("a tree whose tiles do not lead to its root, however often they are asked for", async () => {
    const w = await make();
    const whole = await serve(w.log);
    w.answers.set(SERVICE, serving(flipBit(whole, `tile/0/000.p/${w.log.envelopes.length}`, 40)));
    expect(await w.found()).toEqual(["tamper inconsistent-tree"]);
  });

  it("told once, and stays until somebody has looked at it", async () => {
    const w = await make();
    await w.show(WITNESS, await forkOf(w.log, 6, "thief"));
    await w.round();
    await w.show(WITNESS);
    for (let i = 0; i < 3; i++) {
      w.later(HOUR);
      w.restart();
      await w.show(SERVICE);
      await w.round();
    }
    expect(w.events.map(({ type, finding }) => `${type} ${finding.class}`)).toEqual(["opened tamper"]);
    expect(acknowledge(w.store, findingId(w.open()[0]!))).toBe(true);
    expect(w.open()).toEqual([]);
    expect(acknowledge(w.store, "none")).toBe(false);
  });

  it("is one deed, however long a wrong tree grows", async () => {
    const w = await make();
    const fork = await forkOf(w.log, 6, "thief");
    for (let i = 0; i < 4; i++) {
      await fork.publish("platform", platformPredicate(`thief-${i}`), [fork.keys.publisher]);
      await w.show(WITNESS, fork);
      await w.round();
      w.later(600);
    }
    expect(w.events.filter(({ finding }) => finding.class === "tamper")).toHaveLength(1);
  });
});

describe("a stranger is", () => {
  const file = (watch: Partial<ExpectedFile["watch"]>, entry: ExpectedFile["entry"] = []): ExpectedFile => ({
    watch: { names: [], keys: [], kinds: [], ...watch },
    entry,
  });

  it("an entry under a watched name, key or kind that nobody expected", async () => {
    const w = await make();
    const { publisher, otherPublisher } = w.log.keys;
    await w.log.publish("platform", platformPredicate("other/vm"), [otherPublisher]);
    await w.show(SERVICE);
    for (const [watch, entries] of [
      [{ names: ["other/*"] }, 1],
      [{ keys: [otherPublisher.keyId] }, 1],
      [{ keys: [publisher.keyId] }, 6],
      [{ kinds: ["policy" as const] }, 1],
      [{ names: ["*"] }, w.log.envelopes.length - 1],
      [{}, 0],
    ] as const) {
      w.expected = file({ ...watch } as Partial<ExpectedFile["watch"]>);
      expect(await w.found(), JSON.stringify(watch)).toEqual(Array(entries).fill("stranger not-expected"));
    }
  });

  it("none of those whose statement is in the file, and no status ever", async () => {
    const w = await make();
    const own = w.log.envelopes
      .filter(({ statement }) => statement.kind !== "status")
      .map(({ statement: { kind, name, version }, payloadDigest: digest }) => ({
        kind,
        name,
        version,
        digest,
      }));
    w.expected = file({ names: ["*"], keys: [w.log.keys.status.keyId] }, own);
    expect(await w.found()).toEqual([]);
  });

  it("no longer one, when its owner has recorded it", async () => {
    const w = await make({ expected: file({ names: ["h100-vm"] }) });
    await w.round();
    expect(w.openNames()).toEqual(["stranger not-expected entry 1"]);
    const { statement, payloadDigest: digest } = w.log.envelopes[1]!;
    const { kind, name, version } = statement;
    w.expected = file({ names: ["h100-vm"] }, [{ kind, name, version, digest }]);
    await w.round();
    expect(w.openNames()).toEqual([]);
    expect(w.events.map(({ type }) => type)).toEqual(["opened", "ended"]);
  });
});

describe("freshness is", () => {
  it.each([
    ["a checkpoint that is old", 20 * HOUR, "checkpoint-expires-soon"],
    ["a checkpoint that is too old", 25 * HOUR, "checkpoint-expired"],
    ["a status that expires", 20 * HOUR, "status-expires-soon"],
    ["a status that has expired", 24 * HOUR, "status-expired"],
    ["a policy that expires", 24 * 24 * HOUR, "policy-expires-soon"],
    ["a policy that has expired", 31 * 24 * HOUR, "policy-expired"],
    ["a trust root that expires", 9 * 365 * 24 * HOUR + 20 * 24 * HOUR, "trust-root-expires-soon"],
    ["a trust root that has expired", 10 * 365 * 24 * HOUR, "trust-root-expired"],
    ["a status of the future", -2 * HOUR, "status-ahead-of-clock"],
  ])("%s", async (_, seconds, code) => {
    const w = await make();
    w.later(seconds);
    const found = await w.found();
    expect(found).toContain(`freshness ${code}`);
    expect(found.filter((finding) => /^(tamper|stranger|infrastructure)/.test(finding))).toEqual([]);
  });

  it("ended by a renewal", async () => {
    const w = await make();
    w.later(20 * HOUR);
    await w.show(SERVICE);
    await w.round();
    expect(w.openNames()).toEqual(["freshness status-expires-soon status"]);
    await w.log.publish("status", statusPredicate(w.log.inForce, {}, w.now), [w.log.keys.status]);
    await w.show(SERVICE);
    await w.round();
    expect(w.openNames()).toEqual([]);
  });

  it("told of the policies that are of interest", async () => {
    const w = await make({ policies: ["another"] });
    w.later(31 * 24 * HOUR);
    expect(await w.found()).not.toContain("freshness policy-expired");
  });

  it("not judged while nobody answers: what is not seen may have been renewed", async () => {
    const w = await make();
    await w.round();
    w.answers.set(SERVICE, unreachable);
    w.later(30 * HOUR);
    expect(await w.found()).toEqual(["infrastructure unreachable"]);
  });

  it("nobody's business in a log that was closed", async () => {
    const w = await make();
    const size = w.log.envelopes.length;
    const finalRoot = Buffer.from(w.log.tree().roots[size]!).toString("hex");
    const successor = { origin: "next.example/log", finalSize: size, finalRoot };
    await w.log.publish("trust-root", await w.log.nextRoot({ successor }), w.log.keys.root);
    await w.show(SERVICE);
    w.later(100 * 24 * HOUR);
    expect(await w.found()).toEqual([]);
  });
});

describe("witness is", () => {
  it("a checkpoint without the quorum", async () => {
    const w = await make();
    const served = await serve(w.log);
    const [log] = parseNote(await w.log.checkpoint()).signatures;
    const note = await w.log.checkpoint();
    const lines = note.split("\n").filter((line) => !line.startsWith("— own.example"));
    expect(log?.name).toBe(ORIGIN);
    w.answers.set(SERVICE, serving(served.set("checkpoint", utf8(lines.join("\n")))));
    expect(await w.found()).toEqual(["witness quorum", "witness cosignature-missing"]);
    expect(w.state.memory.completed).toBe(w.log.envelopes.length);
  });

  it("a cosignature that is wrong, which is no word of the log's", async () => {
    const w = await make();
    const served = await serve(w.log);
    const good = await w.log.checkpoint();
    const other = await w.log.checkpoint(w.log.envelopes.length - 1);
    const wrong = other.split("\n").find((line) => line.startsWith("— own.example"))!;
    const note = good.replace(/^— own\.example .*$/m, wrong);
    w.answers.set(SERVICE, serving(served.set("checkpoint", utf8(note))));
    const found = await w.found();
    expect(found).toContain("witness cosignature-wrong");
    expect(found.every((finding) => finding.startsWith("witness"))).toBe(true);
  });

  it("told over all vantage points: one of them may have the cosignature that another lacks", async () => {
    const w = await make();
    const served = await serve(w.log);
    const note = await w.log.checkpoint();
    const bare = note.replace(/^— own\.example .*\n/m, "");
    w.answers.set(SERVICE, serving(served.set("checkpoint", utf8(bare))));
    await w.show(WITNESS);
    expect(await w.found()).toEqual([]);
  });
});
