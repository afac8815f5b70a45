// A week of simulated time, a round every ten minutes: releases, renewals, outages, a mirror that lags, a proxy that babbles, restarts of the
// monitor, and one attack. Whoever is paged is paged for something that happened, and never for the wrong thing.
import { afterAll, beforeAll, expect, it } from "vitest";
import { addExpected, parseExpected } from "../../../src/auditor/monitor/expected-entries.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import type { Envelope } from "../../../src/protocol/envelope/dsse.ts";
import { policyPredicate, statusPredicate } from "../../support/document-predicates.ts";
import { inOrder, signReleaseSet } from "../../support/release-set.ts";
import { signStatement } from "../../support/signing.ts";
import {
  type Answer,
  failing,
  forkOf,
  MIRROR,
  page,
  SERVICE,
  unreachable,
  WatchedWorld,
  WITNESS,
} from "./watched-world.ts";

const ROUND = 600;
const HOUR = 3600;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;

/** Who is away, when, and what its place does meanwhile. Shorter ones than the monitor's patience are nobody's business. */
const OUTAGES: ReadonlyArray<{ url: string; from: number; to: number; answer: Answer; told: boolean }> = [
  { url: SERVICE, from: 5 * HOUR, to: 5 * HOUR + ROUND, answer: failing(502), told: false },
  { url: SERVICE, from: 30 * HOUR, to: 33 * HOUR, answer: unreachable, told: true },
  { url: MIRROR, from: 40 * HOUR, to: 52 * HOUR, answer: failing(503), told: true },
  { url: WITNESS, from: 60 * HOUR, to: 60 * HOUR + ROUND, answer: page, told: false },
  { url: SERVICE, from: 75 * HOUR, to: 76 * HOUR, answer: page, told: true },
  { url: WITNESS, from: 80 * HOUR, to: 90 * HOUR, answer: failing(404), told: true },
  { url: SERVICE, from: 100 * HOUR, to: 102 * HOUR, answer: failing(429), told: true },
];
/** For half a day one vantage point is shown a log of its own, as a thief of the log's and the cosigner's key would. */
const ATTACK = { url: WITNESS, from: 120 * HOUR, to: 132 * HOUR };

const lasts = ({ from, to }: { from: number; to: number }, at: number) => from <= at && at < to;

let world: WatchedWorld;
let expected: string | null = null;
beforeAll(async () => {
  world = await WatchedWorld.make();
  recordExpected(world.log.envelopes);
});
afterAll(() => world.remove());

/** As `touchstone release --record` does before it publishes. */
function recordExpected(envelopes: readonly Envelope[]): void {
  const entries = envelopes.map(({ statement: { kind, name, version }, payloadDigest: digest }) => ({
    kind,
    name,
    version,
    digest,
  }));
  expected = addExpected(expected, entries).replace(/^names = .*$/m, 'names = ["*"]');
  world.expected = parseExpected(utf8(expected));
}

async function publish(...envelopes: readonly Envelope[]): Promise<void> {
  recordExpected(envelopes);
  for (const envelope of envelopes) await world.log.add(envelope);
}

async function runTheLog(at: number): Promise<void> {
  const { log } = world;
  const { keys } = log;
  if (at % DAY === 2 * HOUR)
    await publish(...inOrder(await signReleaseSet(keys, `2.${at / DAY}`.slice(0, 12))));
  if (at % (2 * DAY) === 3 * HOUR) {
    const set = await signReleaseSet(keys, "1.0");
    const renewed = policyPredicate(set, log.nextPolicy(set), world.now);
    await publish(await signStatement("policy", { ...renewed, ...datesOf(world.now) }, [keys.policy]));
  }
  // The service renews its status when half of its life is over, and after each change at once.
  if (at % (12 * HOUR) === 0 || at % DAY === 2 * HOUR || at % (2 * DAY) === 3 * HOUR)
    await log.add(await signStatement("status", statusPredicate(log.inForce, {}, world.now), [keys.status]));
  // Cosigned again each hour while nothing happens.
  if (at % HOUR === 0) await world.show(SERVICE);
  if (at % (20 * 60) === 0) world.showSame(MIRROR, SERVICE);
  if (at % (30 * 60) === 0) world.showSame(WITNESS, SERVICE);
}

const seconds = (date: Date) => `${date.toISOString().slice(0, 19)}Z`;
const datesOf = (now: Date) => ({
  validFrom: seconds(new Date(now.getTime() - HOUR * 1000)),
  expires: seconds(new Date(now.getTime() + 30 * DAY * 1000)),
});

it("pages for each outage that lasts and for the attack, and for nothing else", {
  timeout: 600_000,
}, async () => {
  const fork = await forkOf(world.log, 5, "thief");
  const start = world.now.getTime();
  for (let at = 0; at < WEEK; at += ROUND) {
    world.now = new Date(start + at * 1000);
    await runTheLog(at);
    const shown = new Map(world.answers);
    for (const { url, answer, ...time } of OUTAGES) if (lasts(time, at)) world.answers.set(url, answer);
    if (lasts(ATTACK, at)) await world.show(ATTACK.url, fork);
    if (at % (9 * HOUR) === 0) world.restart();
    await world.round();
    for (const [url, answer] of shown) world.answers.set(url, answer);
  }
  const pages = world.events.filter(({ type }) => type === "opened");
  const truths = pages.map(({ at, finding }) => {
    const time = (Date.parse(at) - start) / 1000;
    const outage = OUTAGES.find((each) => each.told && each.url === finding.subject && lasts(each, time));
    const attack = finding.subject === ATTACK.url && lasts(ATTACK, time);
    return {
      time,
      page: `${finding.class} ${finding.code}`,
      true: finding.class === "tamper" ? attack : outage !== undefined || attack,
    };
  });
  const falsePages = truths.filter((each) => !each.true);
  console.log(
    `${WEEK / ROUND} rounds, ${world.log.envelopes.length} entries: ${pages.length} pages, of which false: ${falsePages.length}`,
  );
  expect(falsePages).toEqual([]);
  expect(truths.map((each) => each.page).filter((text) => text.startsWith("tamper"))).toEqual([
    "tamper split-view",
  ]);
  const told = OUTAGES.filter((each) => each.told);
  expect(pages.filter(({ finding }) => finding.class === "infrastructure")).toHaveLength(told.length);
  expect(world.state.memory.completed).toBe(world.log.envelopes.length);
  expect(world.openNames()).toEqual([`tamper split-view ${WITNESS}`]);
});
