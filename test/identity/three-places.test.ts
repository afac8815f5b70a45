// Every token is judged alike by the log that takes it, the verifier that is shown it in a bundle, and the auditor who replays it.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { formatTime } from "../../src/protocol/entry/fields.ts";
import { type Envelope, makeEnvelope, recordAt } from "../../src/protocol/envelope/dsse.ts";
import { formatTrustFile, parseTrustFile } from "../../src/verifier/bundle/trust-pin.ts";
import { verifyBundle } from "../../src/verifier/bundle/verify-bundle.ts";
import { auditServed, placesOf, serve } from "../auditor/served-log.ts";
import { NOW } from "../support/clock.ts";
import type { FoundedLog } from "../support/founded-log.ts";
import { identityKeysPredicate, identityLog, identityRoles } from "../support/identity-log.ts";
import { testKeys } from "../support/keys.ts";
import { FakeProvider } from "../support/provider.ts";
import { describeReal, realJson } from "../support/real-data.ts";
import { outcomeOf } from "../support/refusals.ts";
import { inOrder, type ReleaseSet, signReleaseSet } from "../support/release-set.ts";
import { ServiceHarness } from "../support/service-harness.ts";
import { signStatement } from "../support/signing.ts";
import { bundleBytes } from "../support/small-log.ts";
import { TOKEN_CASES, type TokenCase, type TokenWorld, tokenWorld } from "../support/token-cases.ts";

let provider: FakeProvider;
let set: ReleaseSet;
let world: TokenWorld;
let service: ServiceHarness;
beforeAll(async () => {
  provider = await FakeProvider.create();
  set = await signReleaseSet(await testKeys());
  world = await tokenWorld(set.platform.payload, provider);
  service = await serviceWithKeys();
});
afterAll(() => service.stop());

/** The platform of the release, published by the token of a case alone. */
const published = async ({ sign }: TokenCase): Promise<Envelope> =>
  makeEnvelope(set.platform.payload, [await sign(world)]);

/** A log that has taken it, whatever the rules say, and goes on as if nothing were wrong. */
async function dishonestLog(envelope: Envelope): Promise<FoundedLog> {
  const log = await identityLog([provider]);
  log.smuggle(recordAt(envelope, formatTime(NOW)));
  for (const entry of inOrder(set)) if (entry !== set.platform) await log.add(entry);
  await log.publishPolicy(set);
  await log.publishStatus();
  return log;
}

/** A log with the rule and the provider's keys, behind HTTP. */
async function serviceWithKeys(): Promise<ServiceHarness> {
  const service = await ServiceHarness.start({ trustRoot: await identityRoles(await testKeys()) });
  const keys = await signStatement("identity-keys", identityKeysPredicate([provider]), service.keys.root);
  await service.log.publish([keys]);
  return service;
}

const STATUS = { accepted: 201, "identity-refused": 403, "token-invalid": 401 } as const;
const FINDING = { "identity-refused": "rule-identity-refused", "token-invalid": "entry-signature" } as const;

describe.each(TOKEN_CASES)("$name", (tokenCase) => {
  const { outcome } = tokenCase;

  it("at the service", async () => {
    // A payload that was taken is known from then on, whatever comes with it.
    const own = outcome === "accepted" ? await serviceWithKeys() : service;
    const answer = await own.publish(await published(tokenCase));
    expect(answer.status).toBe(STATUS[outcome]);
    if (outcome !== "accepted") expect(await answer.json()).toMatchObject({ code: outcome });
    if (own !== service) await own.stop();
  });

  it("at the verifier", async () => {
    const log = await dishonestLog(await published(tokenCase));
    const { digest, root } = log.inForce.trustRoots[0]!;
    const pin = { origin: root.origin, version: 1, digest };
    const bundle = bundleBytes(await log.bundle("production"));
    const verify = () => verifyBundle(bundle, { pin, policy: "production", now: NOW, remembered: null });
    expect(await outcomeOf(verify)).toBe(outcome === "accepted" ? "accepted" : "entry-not-authorised");
  });

  it("at the auditor", async () => {
    const log = await dishonestLog(await published(tokenCase));
    const trust = parseTrustFile(formatTrustFile(log.envelopes[0]!));
    const report = await auditServed(await serve(log), trust);
    // The policy over it names an entry that the auditor did not let in.
    const found =
      outcome === "accepted"
        ? []
        : [`${FINDING[outcome]}@2`, "rule-reference-missing@8", "rule-status-not-true@9"];
    expect(placesOf(report)).toEqual(found);
    expect(report.unconfirmed).toEqual([]);
  });
});

interface Vectors {
  readonly cases: ReadonlyArray<{ readonly case: string; readonly result: string }>;
}

describeReal("the shared cases", () => {
  const { cases } = realJson<Vectors>("vectors/standards/ours/oidc/oidc-cases.json");

  it("are these, with these verdicts", () => {
    const verdicts = TOKEN_CASES.map(({ name, outcome }) => [name, outcome === "accepted"]);
    expect(verdicts).toEqual(cases.map(({ case: name, result }) => [name, result === "accepted"]));
  });
});
