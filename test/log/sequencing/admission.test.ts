// What is let in while other entries are under way: bounded in number and in bytes, and never nothing at all.
import { expect, it } from "vitest";
import { Admission } from "../../../src/log/sequencing/admission.ts";
import { outcomeOf } from "../../support/refusals.ts";

const envelopes = (...sizes: number[]) => sizes.map((size) => ({ leaf: new Uint8Array(size) }));
const admission = () => new Admission({ maxPendingEntries: 3, maxPendingBytes: 100 });
const codeOf = (reserve: () => unknown) => {
  try {
    reserve();
    return "let in";
  } catch (error) {
    return (error as { code: string }).code;
  }
};

it("lets in as many entries and bytes as it may hold, exactly", () => {
  const full = admission();
  full.reserve(envelopes(10, 10));
  expect(codeOf(() => full.reserve(envelopes(10, 10)))).toBe("queue-full");
  expect(codeOf(() => full.reserve(envelopes(80)))).toBe("let in");
  expect(full.pending).toBe(3);
  const heavy = admission();
  heavy.reserve(envelopes(50));
  expect(codeOf(() => heavy.reserve(envelopes(51)))).toBe("queue-full");
  expect(codeOf(() => heavy.reserve(envelopes(50)))).toBe("let in");
  expect(heavy.pending).toBe(2);
});

it("lets in a batch that is larger than all of it, when nothing else is there", () => {
  for (const batch of [envelopes(1, 1, 1, 1), envelopes(101)]) {
    const empty = admission();
    expect(codeOf(() => empty.reserve(batch))).toBe("let in");
    expect(codeOf(() => empty.reserve(envelopes(1)))).toBe("queue-full");
  }
});

it("has room again for what was let out, once for each", async () => {
  const limited = admission();
  const leave = limited.reserve(envelopes(40, 40));
  limited.reserve(envelopes(20));
  leave();
  leave();
  expect(limited.pending).toBe(1);
  expect(codeOf(() => limited.reserve(envelopes(40, 41)))).toBe("queue-full");
  expect(await outcomeOf(() => limited.reserve(envelopes(40, 40)))).toBe("accepted");
});
