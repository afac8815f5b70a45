// The digest by which a policy is known stands in the status.
import { expect, it } from "vitest";
import { policyDigestOf } from "../../../src/verifier/bundle/policy-digest.ts";
import type { VerifiedBundle } from "../../../src/verifier/bundle/verify-bundle.ts";

const bundleOf = (name: string) =>
  ({
    policy: { name },
    status: {
      policies: ["first", "second", "third"].map((one) => ({ name: one, digest: `digest of ${one}` })),
    },
  }) as unknown as VerifiedBundle;

it("a policy has the digest that the status gives for its name", () => {
  expect(policyDigestOf(bundleOf("second"))).toBe("digest of second");
});

it("a policy that the status does not name has none, which no verified bundle has", () => {
  expect(() => policyDigestOf(bundleOf("fourth"))).toThrow("does not name fourth");
});
