// Whether a dated document is good at a time, to the second: the end of a validity is outside of it, and clocks may differ by five minutes.
import { expect, it } from "vitest";
import type { Predicate } from "../../../src/protocol/entry/kinds.ts";
import { formatStatement, parseStatement } from "../../../src/protocol/envelope/statement.ts";
import { isAheadOfClock, requireTimely } from "../../../src/protocol/registration/document-times.ts";
import { NOW } from "../../support/clock.ts";
import { revocationPredicate } from "../../support/document-predicates.ts";
import { FoundedLog } from "../../support/founded-log.ts";
import { testKeys } from "../../support/keys.ts";
import { outcomeOf } from "../../support/refusals.ts";
import { platformPredicate, sha256Of } from "../../support/release-predicates.ts";
import { signStatement } from "../../support/signing.ts";

const inSeconds = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);
const [NOW_TEXT, LATER, LONG_AGO] = ["2026-11-23T12:00:00Z", "2026-11-23T12:05:01Z", "2020-01-01T00:00:00Z"];

it("a time is ahead of the clock when it is by more than 300 seconds", () => {
  expect([-1, 0, 299, 300].map((seconds) => isAheadOfClock(inSeconds(seconds), NOW))).toEqual([
    false,
    false,
    false,
    false,
  ]);
  expect(isAheadOfClock(new Date(inSeconds(300).getTime() + 1), NOW)).toBe(true);
  expect(isAheadOfClock(inSeconds(301), NOW)).toBe(true);
});

/** A trust root, a policy and a status that end at a time. */
async function dated(expires: string, issuedAt = NOW_TEXT) {
  const log = await FoundedLog.found({ expires });
  const root = log.envelopes[0]!.statement;
  const set = await log.publishRelease();
  const policy = (
    await signStatement("policy", log.nextPolicy(set, { expires, validFrom: LONG_AGO }), [log.keys.policy])
  ).statement;
  const predicate: Predicate<"status"> = {
    name: "status",
    sequence: 1,
    previous: null,
    treeSize: 1,
    trustRoot: { version: 1, digest: sha256Of("root") },
    policies: [],
    revokedDigests: [],
    identityKeys: [],
    revokedKeys: [],
    revokedIdentities: [],
    index: null,
    issuedAt,
    expires,
  };
  const status = parseStatement(formatStatement("status", predicate));
  return { root, policy, status };
}

it("a trust root, a policy and a status are good until the second that they name, and not in it", async () => {
  for (const statement of Object.values(await dated(NOW_TEXT, LONG_AGO))) {
    const at = (seconds: number) => outcomeOf(() => requireTimely(statement, inSeconds(seconds)));
    expect(await at(-1), statement.kind).toBe("accepted");
    expect(await at(0), statement.kind).toBe("document-expired");
    expect(await at(86_400), statement.kind).toBe("document-expired");
  }
});

it("a status is refused that was issued ahead of the clock; a policy that begins later is not", async () => {
  const { status } = await dated("2026-12-24T00:00:00Z", LATER);
  expect(await outcomeOf(() => requireTimely(status, NOW))).toBe("document-ahead-of-clock");
  expect(await outcomeOf(() => requireTimely(status, inSeconds(1)))).toBe("accepted");
  const { policy } = await dated("2026-12-24T00:00:00Z");
  const beforeItBegins = new Date("2019-01-01T00:00:00Z");
  expect(await outcomeOf(() => requireTimely(policy, beforeItBegins))).toBe("accepted");
});

it("a release and a revocation are never too old", async () => {
  const { publisher, revocation } = await testKeys();
  const release = await signStatement("platform", platformPredicate(), [publisher]);
  const revoked = await signStatement("revocation", revocationPredicate({ digests: [sha256Of("a")] }), [
    revocation,
  ]);
  for (const { statement } of [release, revoked])
    expect(await outcomeOf(() => requireTimely(statement, new Date("2100-01-01T00:00:00Z")))).toBe(
      "accepted",
    );
});
