import { beforeAll, describe, expect, test } from "vitest";
import { sha256, sha512 } from "../../../src/protocol/cryptography/hash.ts";
import { concatBytes } from "../../../src/protocol/encoding/bytes.ts";
import { encodeHex } from "../../../src/protocol/encoding/hex.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { type KeyPair, type Machine, makeKeyPair, makeMachine } from "../../../src/testing/index.ts";
import type { GpuClaims } from "../../../src/verifier/evidence.ts";
import {
  type Binding,
  bindingOfCertificate,
  expectedReportData,
  freshnessOf,
  verifyBinding,
} from "../../../src/verifier/ra-tls/binding.ts";
import type { CertificateEvidence } from "../../../src/verifier/ra-tls/certificate-evidence.ts";
import { bindingReportData, gpuRequestNonce } from "../../../src/verifier/ra-tls/own-binding.ts";
import { outcomeOf } from "../../support/refusals.ts";
import { diceClaims, flashbotsReportData } from "./containers.ts";

const nonce = Uint8Array.from({ length: 32 }, (_, i) => i);
const otherNonce = new Uint8Array(32).fill(9);
const gpuClaims: GpuClaims = {
  ccMode: "on",
  devtools: false,
  mode: "single",
  reports: ["ab".repeat(32)],
  switches: [],
};
const notBefore = new Date("2026-11-20T12:00:00Z");
const notAfter = new Date("2026-11-20T12:05:00Z");
let key: KeyPair;
let other: KeyPair;
let machine: Machine;
beforeAll(async () => {
  [key, other, machine] = await Promise.all([
    makeKeyPair("P-256"),
    makeKeyPair("P-256"),
    makeMachine({ at: notBefore }),
  ]);
});

describe("touchstone-binding/v1", () => {
  test("is what a machine puts into its quote, and its GPU nonce what it asks its GPUs for", () => {
    const { channel, evidence, body, gpus } = machine;
    const binding = { channelKey: channel.spki, nonce: machine.nonce, gpuClaims: evidence.claims };
    expect(bindingReportData(binding)).toEqual(body.reportData);
    expect(gpuRequestNonce(channel.spki, machine.nonce)).toEqual(gpus[0]!.report.subarray(4, 36));
  });

  test("has these bytes", () => {
    const channelKey = utf8("an HPKE public key");
    const text = `{"ccMode":"on","devtools":false,"mode":"single","reports":["${"ab".repeat(32)}"],"switches":[]}`;
    const preimage = concatBytes(
      utf8("touchstone-binding/v1\0"),
      sha256(channelKey),
      nonce,
      sha256(utf8(text)),
    );
    expect(preimage.length).toBe(22 + 3 * 32);
    expect(bindingReportData({ channelKey, nonce, gpuClaims })).toEqual(sha512(preimage));
    expect(encodeHex(bindingReportData({ channelKey, nonce, gpuClaims }))).toMatchInlineSnapshot(
      `"a9b04c6a8683fa33bb4fff369636601ab4299571d64e324d4fc54f382048bfd7ab97d0cd5dafc659279baee6c68b2456785ea313cd9305bcaf2dc720524dea4a"`,
    );
    expect(gpuRequestNonce(channelKey, nonce)).toEqual(sha256(concatBytes(sha256(channelKey), nonce)));
  });

  test("takes only nonces of 32 bytes, so that no two readings of one preimage exist", () => {
    for (const length of [0, 31, 33, 64]) {
      const short = new Uint8Array(length);
      expect(() => bindingReportData({ channelKey: key.spki, nonce: short, gpuClaims })).toThrow(RangeError);
      expect(() => gpuRequestNonce(key.spki, short)).toThrow(RangeError);
    }
  });
});

/** Every format bound to `key`, and the same with one input of it changed at a time. */
function formats(): Array<{ good: Binding; changed: Record<string, Binding> }> {
  const channelKey = key.spki;
  const bent = other.spki;
  const touchstone = { format: "touchstone-binding/v1", channelKey, nonce, gpuClaims } as const;
  const ccc = { format: "ccc-ra-tls", channelKey, claims: diceClaims(channelKey, nonce), nonce } as const;
  const contrast = { format: "contrast-atls", channelKey, nonce } as const;
  const flashbots = {
    format: "flashbots-atls",
    channelKey,
    notBefore,
    notAfter,
    commonName: "node",
  } as const;
  return [
    {
      good: touchstone,
      changed: {
        key: { ...touchstone, channelKey: bent },
        nonce: { ...touchstone, nonce: otherNonce },
        ccMode: { ...touchstone, gpuClaims: { ...gpuClaims, ccMode: "devtools" } },
        devtools: { ...touchstone, gpuClaims: { ...gpuClaims, devtools: true } },
        reports: { ...touchstone, gpuClaims: { ...gpuClaims, reports: [] } },
      },
    },
    {
      good: ccc,
      changed: {
        key: { ...ccc, channelKey: bent },
        nonce: { ...ccc, nonce: otherNonce },
        "claims without the nonce": { ...ccc, claims: diceClaims(channelKey) },
        "claims for the other key": { ...ccc, channelKey: bent, claims: diceClaims(bent, nonce) },
      },
    },
    ...(["dstack-ratls", "gramine-ra-tls"] as const).map((format) => ({
      good: { format, channelKey },
      changed: { key: { format, channelKey: bent } },
    })),
    {
      good: contrast,
      changed: { key: { ...contrast, channelKey: bent }, nonce: { ...contrast, nonce: otherNonce } },
    },
    {
      good: flashbots,
      changed: {
        key: { ...flashbots, channelKey: bent },
        "start of validity": { ...flashbots, notBefore: new Date(notBefore.getTime() - 1000) },
        "end of validity": { ...flashbots, notAfter: new Date(notAfter.getTime() + 1000) },
        name: { ...flashbots, commonName: "edon" },
      },
    },
  ];
}

describe("every format", () => {
  test("accepts its own REPORTDATA and refuses it with any input changed", async () => {
    let refused = 0;
    for (const { good, changed } of formats()) {
      const reportData = expectedReportData(good);
      expect(await outcomeOf(() => verifyBinding(reportData, good)), good.format).toBe("accepted");
      for (const [what, binding] of Object.entries(changed)) {
        const outcome = await outcomeOf(() => verifyBinding(reportData, binding));
        expect(outcome, `${good.format}: ${what}`).toBe("binding");
        refused++;
      }
    }
    expect(refused).toBe(17);
  });

  test("refuses REPORTDATA with any of its 512 bits flipped: the second half counts too", async () => {
    for (const { good } of formats()) {
      const reportData = expectedReportData(good);
      for (let bit = 0; bit < 512; bit++) {
        const flipped = Uint8Array.from(reportData);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(await outcomeOf(() => verifyBinding(flipped, good))).toBe("binding");
      }
    }
  });

  test("refuses the REPORTDATA of every other format for the same key", async () => {
    const all = formats().map(({ good }) => good);
    for (const mine of all) {
      for (const theirs of all.filter((binding) => binding !== mine)) {
        expect(await outcomeOf(() => verifyBinding(expectedReportData(theirs), mine))).toBe("binding");
      }
    }
  });

  test("has 64 bytes, and those of the formats of others are as their authors say", () => {
    const [, ccc, dstack, gramine, contrast, flashbots] = formats().map(({ good }) =>
      expectedReportData(good),
    );
    const zeros = new Uint8Array(32);
    expect(ccc).toEqual(concatBytes(sha256(diceClaims(key.spki, nonce)), zeros));
    expect(gramine).toEqual(concatBytes(sha256(key.spki), zeros));
    expect(dstack).toEqual(sha512(concatBytes(utf8("ratls-cert:"), key.spki)));
    expect(contrast).toEqual(sha512(concatBytes(key.spki, nonce)));
    expect(flashbots).toEqual(flashbotsReportData(key.spki, notBefore, notAfter, "node"));
  });
});

describe("freshness", () => {
  test("is a challenge only where the verifier's own nonce is in the binding", () => {
    const found = formats().map(({ good }) => [
      good.format,
      freshnessOf(good, nonce),
      freshnessOf(good, otherNonce),
      freshnessOf(good, null),
    ]);
    expect(found).toEqual([
      ["touchstone-binding/v1", "challenge", "key-lifetime", "key-lifetime"],
      ["ccc-ra-tls", "challenge", "key-lifetime", "key-lifetime"],
      ["dstack-ratls", "key-lifetime", "key-lifetime", "key-lifetime"],
      ["gramine-ra-tls", "key-lifetime", "key-lifetime", "key-lifetime"],
      ["contrast-atls", "challenge", "key-lifetime", "key-lifetime"],
      ["flashbots-atls", "certificate-validity", "certificate-validity", "certificate-validity"],
    ]);
  });
});

describe("the binding of a certificate", () => {
  const of = (form: string, more: object = {}) =>
    ({
      form,
      spki: key.spki,
      notBefore,
      notAfter,
      commonName: "node",
      quote: utf8("q"),
      ...more,
    }) as CertificateEvidence;

  test("follows from its form", () => {
    const evidence = { nonce: otherNonce, claims: gpuClaims };
    const ours = of("touchstone-ra-tls/v1", { evidence });
    const format = "touchstone-binding/v1";
    const channelKey = key.spki;
    expect(bindingOfCertificate(ours, nonce)).toEqual({ format, channelKey, nonce, gpuClaims });
    expect(bindingOfCertificate(ours, null)).toEqual({ format, channelKey, nonce: otherNonce, gpuClaims });
    const claims = diceClaims(channelKey);
    expect(bindingOfCertificate(of("ccc-ra-tls", { claims }), null)).toMatchObject({ claims, nonce: null });
    expect(bindingOfCertificate(of("dstack-ratls"), nonce)).toEqual({ format: "dstack-ratls", channelKey });
    expect(bindingOfCertificate(of("gramine-ra-tls"), nonce)).toEqual({
      format: "gramine-ra-tls",
      channelKey,
    });
    expect(bindingOfCertificate(of("contrast-atls"), nonce)).toEqual({
      format: "contrast-atls",
      channelKey,
      nonce,
    });
    expect(bindingOfCertificate(of("flashbots-atls"), null)).toMatchObject({
      notBefore,
      notAfter,
      commonName: "node",
    });
  });

  test("does not exist for forms that hold only SGX quotes, and where an input is missing", () => {
    expect(bindingOfCertificate(of("intel-sgx-sdk"), nonce)).toBeNull();
    expect(bindingOfCertificate(of("open-enclave"), nonce)).toBeNull();
    expect(bindingOfCertificate(of("contrast-atls"), null)).toBeNull();
    expect(bindingOfCertificate(of("flashbots-atls", { commonName: null }), null)).toBeNull();
  });
});
