// trust-root.json: the pin and the trust root that it names are one thing, or the file is refused.
import { beforeAll, describe, expect, it } from "vitest";
import type { Envelope } from "../../src/protocol/envelope/dsse.ts";
import { formatTrustFile, parseTrustFile } from "../../src/verifier/bundle/trust-pin.ts";
import { testKeys } from "../support/keys.ts";
import { malformedOf } from "../support/refusals.ts";
import { platformPredicate, sha256Of } from "../support/release-predicates.ts";
import { signStatement } from "../support/signing.ts";
import { trustRootPredicate } from "../support/trust-root.ts";
import { ORIGIN } from "../support/witnesses.ts";

let envelope: Envelope;
let release: Envelope;
let value: Record<string, unknown>;
beforeAll(async () => {
  const keys = await testKeys();
  envelope = await signStatement("trust-root", await trustRootPredicate(keys), keys.root);
  release = await signStatement("platform", platformPredicate(), [keys.publisher]);
  value = JSON.parse(formatTrustFile(envelope));
});

const fault = (change: object) => malformedOf(() => parseTrustFile(JSON.stringify({ ...value, ...change })));

describe("a trust file", () => {
  it("is read back as it was written", () => {
    const pin = { origin: ORIGIN, version: 1, digest: envelope.payloadDigest };
    expect(parseTrustFile(formatTrustFile(envelope))).toMatchObject({ ...pin, envelope });
  });

  it("names the trust root that is in it, and no other", async () => {
    expect(await fault({ digest: sha256Of("another") })).toMatchObject({ at: "/digest" });
    expect(await fault({ version: 2 })).toMatchObject({ at: "/origin" });
    expect(await fault({ origin: "other.example" })).toMatchObject({ at: "/origin" });
    const { payload, payloadType, signatures } = JSON.parse(new TextDecoder().decode(release.leaf));
    const other = { envelope: { payload, payloadType, signatures }, digest: release.payloadDigest };
    expect(await fault(other)).toMatchObject({ at: "/digest" });
  });

  it("has every member and no other", async () => {
    for (const name of Object.keys(value)) expect(await fault({ [name]: undefined }), name).toBeDefined();
    expect((await fault({ extra: 1 }))?.message).toMatch(/^trust file: /);
    for (const text of ["", "null", "[]", "{"])
      expect(await malformedOf(() => parseTrustFile(text))).toBeDefined();
  });

  it("is made of a trust root only", () => {
    expect(() => formatTrustFile(release)).toThrow(TypeError);
  });
});
