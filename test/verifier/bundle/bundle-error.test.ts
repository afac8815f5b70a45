// The codes of a refused bundle: each belongs to one step, and is either broken or not acceptable, never both.
import { describe, expect, it } from "vitest";
import { PolicyError, VerificationError } from "../../../src/protocol/errors.ts";
import {
  asBundleError,
  BROKEN,
  type BundleCode,
  inStep,
  NOT_ACCEPTABLE,
  refuseBroken,
  refuseUnacceptable,
  stepOf,
} from "../../../src/verifier/bundle/bundle-error.ts";
import { verifyBundle } from "../../../src/verifier/bundle/verify-bundle.ts";
import { NOW } from "../../support/clock.ts";
import { FoundedLog } from "../../support/founded-log.ts";
import { outcomeOf } from "../../support/refusals.ts";
import { bundleBytes } from "../../support/small-log.ts";
import { ORIGIN } from "../../support/witnesses.ts";

describe("codes", () => {
  it("belong to one of the six steps, and to one of the two sorts", () => {
    for (const code of [...Object.keys(BROKEN), ...Object.keys(NOT_ACCEPTABLE)]) {
      expect([1, 2, 3, 4, 5, 6]).toContain(stepOf(code));
      expect(code in BROKEN && code in NOT_ACCEPTABLE).toBe(false);
    }
  });

  it("of others, and names that every object has, belong to no step", () => {
    for (const code of ["", "not-authorised", "toString", "constructor", "__proto__"])
      expect(stepOf(code)).toBeUndefined();
  });

  it("stand in errors that name the step", () => {
    expect(() => refuseBroken("not-included", "why")).toThrow(
      new VerificationError<BundleCode>("not-included", "step 2 (checkpoint): why"),
    );
    expect(() => refuseUnacceptable("policy-revoked", "why")).toThrow(
      new PolicyError<BundleCode>("policy-revoked", "step 4 (policy): why"),
    );
  });
});

it("each step has a name, which stands in front of what was refused", () => {
  const first: readonly BundleCode[] = [
    "trust-root-pin",
    "checkpoint-stale",
    "status-expired",
    "policy-revoked",
    "entry-missing",
    "log-forked",
  ];
  expect(first.map((code) => inStep(code, "why"))).toEqual([
    "step 1 (trust root): why",
    "step 2 (checkpoint): why",
    "step 3 (status): why",
    "step 4 (policy): why",
    "step 5 (entries): why",
    "step 6 (remembered state): why",
  ]);
});

describe("a refusal of a lower layer", () => {
  const refused = (code: BundleCode, thrown: unknown) =>
    asBundleError(code, "what", () => {
      throw thrown;
    }).catch((error: Error) => error);

  it("keeps its reason and gets the code of the step, of either sort", async () => {
    expect(await refused("not-included", new Error("why"))).toEqual(
      new VerificationError<BundleCode>("not-included", "step 2 (checkpoint): what: why"),
    );
    expect(await refused("checkpoint-stale", new Error("why"))).toEqual(
      new PolicyError<BundleCode>("checkpoint-stale", "step 2 (checkpoint): what: why"),
    );
    expect(await refused("not-included", "no error object")).toEqual(
      new VerificationError<BundleCode>("not-included", "step 2 (checkpoint): what: failed"),
    );
  });

  it("is none where nothing is thrown", async () => {
    expect(await asBundleError("not-included", "what", async () => 7)).toBe(7);
  });
});

describe("a pin that names no trust root", () => {
  it("is refused, whatever version it says", async () => {
    const log = await FoundedLog.found();
    const set = await log.publishRelease();
    await log.publishPolicy(set);
    await log.publishStatus();
    const bytes = bundleBytes(await log.bundle("production"));
    const { payloadDigest: digest } = log.envelopes[0]!;
    for (const version of [0, 2, Number.NaN]) {
      const pin = { origin: ORIGIN, version, digest };
      const outcome = await outcomeOf(() =>
        verifyBundle(bytes, { pin, policy: "production", now: NOW, remembered: null }),
      );
      expect(outcome, String(version)).toBe("trust-root-pin");
    }
  });
});
