// The bundle's format: read back as it was written, and refused in any other form. Whether it is true is not decided here.
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import {
  formatPolicyBundle,
  MAX_BUNDLE_BYTES,
  type PolicyBundle,
  parsePolicyBundle,
} from "../../../src/protocol/bundle/policy-bundle.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { revocationPredicate } from "../../support/document-predicates.ts";
import { FoundedLog } from "../../support/founded-log.ts";
import { malformedOf } from "../../support/refusals.ts";

let bundle: PolicyBundle;
let text: string;
let value: Record<string, unknown>;
beforeAll(async () => {
  const log = await FoundedLog.found();
  const set = await log.publishRelease();
  const revocation = revocationPredicate({ digests: [set.rim.payloadDigest] });
  await log.publishPolicy(set);
  const index = await log.publish("revocation", revocation, [log.keys.revocation]);
  await log.publishStatus();
  bundle = { ...(await log.bundle("production", {}, 3)), revocations: [log.logged(index)] };
  text = formatPolicyBundle(bundle);
  value = JSON.parse(text);
});

const fault = async (some: unknown) =>
  malformedOf(() => parsePolicyBundle(utf8(typeof some === "string" ? some : JSON.stringify(some))));

describe("a policy bundle", () => {
  it("is read back as it was written, in any JSON form", () => {
    expect(parsePolicyBundle(utf8(text))).toMatchObject(bundle);
    expect(formatPolicyBundle(parsePolicyBundle(utf8(text)))).toBe(text);
    expect(parsePolicyBundle(utf8(JSON.stringify(value, null, 2)))).toEqual(parsePolicyBundle(utf8(text)));
  });

  it("may be without a consistency proof", () => {
    expect(
      parsePolicyBundle(utf8(formatPolicyBundle({ ...bundle, consistency: null }))).consistency,
    ).toBeNull();
  });

  it("refuses to be without any member, and one that it does not know", async () => {
    for (const name of Object.keys(value)) {
      const { [name]: _, ...rest } = value;
      expect(await fault(rest), name).toBeDefined();
    }
    expect(await fault({ ...value, extra: 1 })).toBeDefined();
  });

  it("refuses another format, no trust root, and lists that are too long", async () => {
    expect(await fault({ ...value, format: "touchstone-policy-bundle/v2" })).toMatchObject({ at: "/format" });
    expect(await fault({ ...value, trustRoots: [] })).toMatchObject({ at: "/trustRoots" });
    const [entry] = value.entries as object[];
    const many = (count: number) => Array.from({ length: count }, () => entry);
    expect(await fault({ ...value, entries: many(513) })).toMatchObject({ at: "/entries" });
    expect(await fault({ ...value, revocations: many(257) })).toMatchObject({ at: "/revocations" });
    expect(await fault({ ...value, trustRoots: many(257) })).toMatchObject({ at: "/trustRoots" });
    expect(await fault({ ...value, checkpoint: "x".repeat(65_537) })).toMatchObject({ at: "/checkpoint" });
  });

  it("says where an entry is wrong", async () => {
    const [first, ...rest] = value.entries as Array<Record<string, unknown>>;
    const entry = (change: object) => fault({ ...value, entries: [{ ...first, ...change }, ...rest] });
    expect(await entry({ index: -1 })).toMatchObject({ at: "/entries/0/index" });
    expect(await entry({ index: 2 ** 53 })).toMatchObject({ at: "/entries/0/index" });
    expect(await entry({ proof: ["AAAA"] })).toMatchObject({ at: "/entries/0/proof/0" });
    expect(await entry({ proof: Array.from({ length: 64 }, () => `${"A".repeat(43)}=`) })).toMatchObject({
      at: "/entries/0/proof",
    });
    expect(await entry({ envelope: null })).toMatchObject({ at: "/entries/0/envelope" });
    expect(await entry({ extra: 1 })).toMatchObject({ at: "/entries/0" });
  });

  it("refuses a hash whose unused bits are set", async () => {
    const consistency = { from: 3, proof: [`${"A".repeat(42)}B=`] };
    expect(await fault({ ...value, consistency })).toMatchObject({ format: "base64" });
  });

  it("refuses what is longer than 8 MiB before reading it", async () => {
    expect((await fault(" ".repeat(MAX_BUNDLE_BYTES + 1)))?.message).toContain(`${MAX_BUNDLE_BYTES} bytes`);
  });

  it("refuses what is no JSON object, without a pointer to nowhere", async () => {
    for (const other of ["", "null", "[]", "1", '"x"', "{", text.slice(0, -1), `${text}x`])
      expect(await fault(other), other.slice(0, 10)).toBeDefined();
  });

  it("with any one character changed is another bundle or none", async () => {
    const property = fc.asyncProperty(fc.nat(text.length - 1), fc.nat(127), async (at, code) => {
      fc.pre(text.charCodeAt(at) !== code);
      const changed = text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1);
      if ((await fault(changed)) !== undefined) return;
      const read = parsePolicyBundle(utf8(changed));
      expect(parsePolicyBundle(utf8(formatPolicyBundle(read)))).toEqual(read);
    });
    await fc.assert(property, { numRuns: 300 });
  });
});
