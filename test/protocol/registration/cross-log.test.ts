// Two logs whose roles are the same keys: what is signed for one of them says nothing in the other.
import { beforeEach, describe, expect, it } from "vitest";
import type { TrustRoot } from "../../../src/protocol/entry/trust-root.ts";
import type { Envelope } from "../../../src/protocol/envelope/dsse.ts";
import { summarise } from "../../../src/protocol/registration/in-force.ts";
import { revocationPredicate } from "../../support/document-predicates.ts";
import { FoundedLog } from "../../support/founded-log.ts";
import { outcomeOf } from "../../support/refusals.ts";
import { inOrder, type ReleaseSet } from "../../support/release-set.ts";
import { logKey, tlogPolicy, witnessKey } from "../../support/witnesses.ts";

const OTHER = "other.example/log";
let other: FoundedLog;
let log: FoundedLog;
let set: ReleaseSet;
let identity: Pick<TrustRoot, "origin" | "logPolicy">;
beforeEach(async () => {
  const logPolicy = tlogPolicy(await logKey(OTHER), [await witnessKey("own.example")]);
  identity = { origin: OTHER, logPolicy };
  other = await FoundedLog.found(identity);
  log = await FoundedLog.found();
  set = await other.publishRelease();
});

const replay = (envelope: Envelope) => outcomeOf(() => log.add(envelope));
const newest = () => other.envelopes.at(-1)!;

it("takes the same releases, which state facts about files", async () => {
  for (const envelope of inOrder(set)) expect(await replay(envelope)).toBe("accepted");
});

describe("refuses", () => {
  beforeEach(async () => {
    for (const envelope of inOrder(set)) await log.add(envelope);
  });

  it("the other log's old policy, whose place in the succession it would fit", async () => {
    const policy = await other.publishPolicy(set, { origin: OTHER });
    expect(await replay(policy)).toBe("wrong-origin");
    expect(log.inForce.policies.size).toBe(0);
  });

  it("the other log's revocation of a key range, and says of which log it is", async () => {
    const range = { keyId: log.keys.publisher.keyId, fromIndex: 0, toIndex: 50 };
    const revocation = revocationPredicate({ origin: OTHER, keys: [range] });
    await other.publish("revocation", revocation, [other.keys.revocation]);
    await expect(log.add(newest())).rejects.toThrow(`signed for ${OTHER}, and this log is log.example/`);
    expect(await replay(newest())).toBe("wrong-origin");
    expect(log.inForce.revokedKeys).toEqual([]);
  });

  it("the other log's status, bound by the digest of its trust root", async () => {
    await other.publishStatus();
    expect(await replay(newest())).toBe("status-not-true");
    const { trustRoot } = summarise(other.inForce);
    expect(await outcomeOf(() => log.publishStatus({ trustRoot }))).toBe("status-not-true");
    expect(await outcomeOf(() => log.publishStatus())).toBe("accepted");
  });

  it("the other log's trust roots, the first one and the next", async () => {
    expect(await replay(other.envelopes[0]!)).toBe("identity-taken");
    await other.publish("trust-root", await other.nextRoot(identity), other.keys.root);
    expect(await replay(newest())).toBe("wrong-predecessor");
  });

  it("a trust root of another origin that names this log's as the one before it", async () => {
    const next = await log.nextRoot(identity);
    expect(await outcomeOf(() => log.publish("trust-root", next, log.keys.root))).toBe("wrong-predecessor");
  });
});
