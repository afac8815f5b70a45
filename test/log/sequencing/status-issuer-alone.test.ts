// The status issuer alone: when a status is due, to the second, and whether its key may issue one at all.
import { describe, expect, it, vi } from "vitest";
import { StatusIssuer } from "../../../src/log/sequencing/status-issuer.ts";
import type { Status } from "../../../src/protocol/entry/status.ts";
import type { TrustRoot } from "../../../src/protocol/entry/trust-root.ts";
import type { Statement } from "../../../src/protocol/envelope/statement.ts";
import { type InForce, NOTHING_IN_FORCE } from "../../../src/protocol/registration/in-force.ts";
import { NOW } from "../../support/clock.ts";
import { statusPredicate } from "../../support/document-predicates.ts";
import { FoundedLog } from "../../support/founded-log.ts";
import { testKeys } from "../../support/keys.ts";

const keys = await testKeys();
const { inForce } = await FoundedLog.found();
const [{ root }] = inForce.trustRoots as [InForce["trustRoots"][number]];
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const at = (ms: number) => new Date(NOW.getTime() + ms);

/** The state with another trust root in force. */
function under(change: Partial<TrustRoot>): InForce {
  const [{ index, digest }] = inForce.trustRoots as [InForce["trustRoots"][number]];
  return { ...inForce, trustRoots: [{ index, digest, root: { ...root, ...change } }] };
}
const withStatusRole = (keyIds: readonly string[], threshold: number) =>
  under({ roles: { ...root.roles, status: { keys: [...keyIds], threshold } } });

/** An issuer at a time, which has seen a status of these times. */
function issuer(now: Date, seen?: Partial<Status>): StatusIssuer {
  const made = new StatusIssuer(keys.status, () => now);
  if (seen !== undefined)
    made.observe({ kind: "status", predicate: statusPredicate(inForce, seen) } as Statement);
  return made;
}

describe("a status is due", () => {
  it("where there is none", () => {
    expect(issuer(NOW).isDue(inForce)).toBe(true);
  });

  it("where something changed that the newest does not know, and not because the log grew", () => {
    const known = issuer(NOW, { treeSize: 4 });
    expect(known.isDue({ ...inForce, size: 90, changedAt: 4 })).toBe(false);
    expect(known.isDue({ ...inForce, size: 90, changedAt: 5 })).toBe(true);
  });

  it.each([
    ["a day after a life of more than two", 7 * DAY, DAY],
    ["a day after a life of two", 2 * DAY, DAY],
    ["half of its life after a shorter one", 2 * HOUR, HOUR],
  ])("%s", (_when, life, due) => {
    const seen = { issuedAt: NOW.toISOString(), expires: at(life).toISOString() };
    expect(issuer(at(due - 1), seen).isDue(inForce)).toBe(false);
    expect(issuer(at(due), seen).isDue(inForce)).toBe(true);
    expect(issuer(at(due + 1), seen).isDue(inForce)).toBe(true);
  });

  it("where the newest is ahead of the clock by more than five minutes", () => {
    const dated = (ms: number) => ({ issuedAt: at(ms).toISOString(), expires: at(ms + DAY).toISOString() });
    expect(issuer(NOW, dated(300_000)).isDue(inForce)).toBe(false);
    expect(issuer(NOW, dated(300_001)).isDue(inForce)).toBe(true);
  });

  it("by the newest status and by nothing else that is in the log", () => {
    const seen = issuer(NOW);
    seen.observe({ kind: "trust-root", predicate: root } as Statement);
    expect(seen.isDue(inForce)).toBe(true);
    seen.observe({ kind: "status", predicate: statusPredicate(inForce) } as Statement);
    seen.observe({ kind: "trust-root", predicate: root } as Statement);
    expect(seen.isDue(inForce)).toBe(false);
  });
});

describe("the key of the issuer", () => {
  const revoked = (fromIndex: number, toIndex: number, keyId = keys.status.keyId): InForce => ({
    ...inForce,
    size: 10,
    revokedKeys: [{ keyId, fromIndex, toIndex }],
  });
  const { keyId } = keys.status;
  const other = keys.root[0].keyId;

  it.each<[string, InForce, boolean]>([
    ["issues alone where it alone has the role", inForce, true],
    ["issues where another one may, too", withStatusRole([other, keyId], 1), true],
    ["does not issue where two must sign", withStatusRole([other, keyId], 2), false],
    ["does not issue where another one has the role", withStatusRole([other], 1), false],
    ["does not issue in an empty log", NOTHING_IN_FORCE, false],
    [
      "does not issue in a log that is closed",
      under({ successor: { origin: "next.example/log", finalSize: 1, finalRoot: "00".repeat(32) } }),
      false,
    ],
    ["does not issue from the index on at which it is revoked", revoked(10, 99), false],
    ["issues before the index from which it is revoked", revoked(11, 99), true],
    ["issues after the index to which it was revoked", revoked(0, 10), true],
    ["issues where another one is revoked", revoked(0, 99, other), true],
  ])("%s", async (_what, state, may) => {
    expect(issuer(NOW).isDue(state)).toBe(may);
    expect((await issuer(NOW).next(state, async () => null)) !== null).toBe(may);
  });
});

describe("the next status", () => {
  it("is signed by its key, over what is in force, as of now", async () => {
    const envelope = await issuer(NOW).next(inForce, async () => null);
    expect(envelope?.signers).toEqual([keys.status.keyId]);
    expect(envelope?.statement).toMatchObject({
      kind: "status",
      predicate: {
        sequence: 1,
        previous: null,
        treeSize: 1,
        issuedAt: "2026-11-23T12:00:00Z",
        expires: "2026-11-30T12:00:00Z",
      },
    });
  });

  it("is none where none is due", async () => {
    expect(await issuer(NOW, {}).next(inForce, async () => null)).toBeNull();
  });

  it("states the index that is drawn for it where the trust root has one, and waits where none is to be had", async () => {
    const indexed = under({ index: true });
    expect(await issuer(NOW).next(indexed, async () => null)).toBeNull();
    const envelope = await issuer(NOW).next(indexed, async () => "ab".repeat(32));
    expect(envelope?.statement.predicate).toMatchObject({ index: { size: 1, root: "ab".repeat(32) } });
  });

  it("states none where the trust root has none, and does not draw it", async () => {
    const draw = vi.fn(async () => "ab".repeat(32));
    const envelope = await issuer(NOW).next(inForce, draw);
    expect(envelope?.statement.predicate).toMatchObject({ index: null });
    expect(draw).not.toHaveBeenCalled();
  });

  it("is not given out where the signature does not hold", async () => {
    const forging = { keyId: keys.status.keyId, sign: async () => new Uint8Array(64).fill(1) };
    await expect(new StatusIssuer(forging, () => NOW).next(inForce, async () => null)).rejects.toMatchObject({
      name: "VerificationError",
    });
  });
});
