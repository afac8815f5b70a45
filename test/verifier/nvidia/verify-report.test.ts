// Verification of one GPU's report and chain: each check is failed alone, by evidence that is valid in every other respect.

import { beforeAll, describe, expect, it } from "vitest";
import { decodeBase64, encodeBase64 } from "../../../src/protocol/encoding/base64.ts";
import { concatBytes } from "../../../src/protocol/encoding/bytes.ts";
import { type Certified, certify, signWith } from "../../../src/testing/authority.ts";
import { makeBlocks, makeOpaque } from "../../../src/testing/gpu-report.ts";
import { type GpuIdentity, makeGpuIdentity, type NvidiaAuthority } from "../../../src/testing/nvidia.ts";
import { GPU_REPORT_CHECKS } from "../../../src/verifier/nvidia/device-checks.ts";
import type { DeviceOptions } from "../../../src/verifier/nvidia/verify-device.ts";
import { mergeGpuChecks, verifyGpuReport } from "../../../src/verifier/nvidia/verify-report.ts";
import { failed, flip, gpuOf, makeAuthority, NONCE, NOW, type TestGpu } from "./synthetic-gpu.ts";

const VALIDITY = { notBefore: new Date("2026-01-01T00:00:00Z"), notAfter: new Date("2027-12-31T00:00:00Z") };

let authority: NvidiaAuthority;
let gpu: TestGpu;
beforeAll(async () => {
  authority = await makeAuthority();
  gpu = await gpuOf(authority);
});

const verify = (evidence: { report: Uint8Array; chain: string }, options: Partial<DeviceOptions> = {}) =>
  verifyGpuReport(evidence, { now: NOW, nonce: NONCE, root: authority.root.der, ...options });
const pem = (chain: readonly Certified[]) => chain.map((certificate) => certificate.pem).join("");

/** The good report under another attestation key. */
async function signedAnew(identity: GpuIdentity): Promise<{ report: Uint8Array; chain: string }> {
  const signed = gpu.report.subarray(0, -96);
  return {
    report: concatBytes(signed, await signWith(identity.attestation, signed)),
    chain: pem(identity.chain),
  };
}

describe("good evidence", () => {
  it("of a Hopper GPU passes every check", async () => {
    const result = await verify(gpu.decoded);
    expect(failed(result.checks)).toEqual([]);
    expect(result).toMatchObject({ accepted: true, chip: "GH100", architecture: "hopper" });
    expect(result.checks.map(({ id }) => id)).toEqual([...GPU_REPORT_CHECKS]);
  });

  it("of a Blackwell GPU, whose FWID has another form", async () => {
    const blackwell = await makeAuthority("blackwell");
    const { decoded } = await gpuOf(blackwell);
    const result = await verify(decoded, { root: blackwell.root.der });
    expect(failed(result.checks)).toEqual([]);
    expect(result).toMatchObject({ accepted: true, chip: "GB100", architecture: "blackwell" });
  });

  it("of a driver before 550 needs no FWID in the report", async () => {
    const opaque = makeOpaque({ driverVersion: "545.23.08", vbiosVersion: "96.00.CF.00.01", fwid: null });
    const { decoded } = await gpuOf(authority, { report: { opaque } });
    const { accepted, checks } = await verify(decoded);
    expect(accepted).toBe(true);
    expect(checks.find(({ id }) => id === "gpu.fwid")?.detail).toContain("does not send it");
  });

  it("without a nonce to compare has no nonce check", async () => {
    const { accepted, checks } = await verify(gpu.decoded, { nonce: null });
    expect(accepted).toBe(true);
    expect(checks.map(({ id }) => id)).not.toContain("gpu.nonce");
  });

  it("may bring any fifth certificate: the supplied root is dropped", async () => {
    const stranger = await makeAuthority();
    const chain = pem([...gpu.identity.chain.slice(0, 4), stranger.root]);
    expect((await verify({ ...gpu.decoded, chain })).accepted).toBe(true);
  });
});

describe("each check fails alone", () => {
  it("gpu.nonce: a report made for another session", async () => {
    const { decoded } = await gpuOf(authority, { report: { nonce: new Uint8Array(32).fill(8) } });
    expect(failed((await verify(decoded)).checks)).toEqual(["gpu.nonce"]);
  });

  it("gpu.nonce: the wanted nonce in the responder's field proves nothing", async () => {
    const report = { nonce: new Uint8Array(32), responderNonce: NONCE };
    const { decoded } = await gpuOf(authority, { report });
    expect(failed((await verify(decoded)).checks)).toEqual(["gpu.nonce"]);
  });

  it("gpu.report.signature: a value changed after signing", async () => {
    const report = flip(gpu.report, 60);
    expect(failed((await verify({ ...gpu.decoded, report })).checks)).toEqual(["gpu.report.signature"]);
  });

  it("gpu.report.signature: signed by another GPU's key", async () => {
    const other = await gpuOf(authority);
    expect(failed((await verify({ ...gpu.decoded, chain: other.decoded.chain })).checks)).toEqual([
      "gpu.report.signature",
    ]);
  });

  it("gpu.fwid: the report states other firmware than the certificate", async () => {
    const opaque = makeOpaque({
      driverVersion: "580.95.05",
      vbiosVersion: "96.00.CF.00.01",
      fwid: new Uint8Array(48),
    });
    const { decoded } = await gpuOf(authority, { report: { opaque } });
    expect(failed((await verify(decoded)).checks)).toEqual(["gpu.fwid"]);
  });

  it.each(["550.54", "580.95.05"])(
    "gpu.fwid: driver %s states none, though it should",
    async (driverVersion) => {
      const opaque = makeOpaque({ driverVersion, vbiosVersion: "96.00.CF.00.01", fwid: null });
      const { decoded } = await gpuOf(authority, { report: { opaque } });
      expect(failed((await verify(decoded)).checks)).toEqual(["gpu.fwid"]);
    },
  );

  it("gpu.fwid and gpu.architecture: a leaf without FWID", async () => {
    const identity = await makeGpuIdentity(authority, { fwid: null, ...VALIDITY });
    expect(failed((await verify(await signedAnew(identity))).checks)).toEqual([
      "gpu.architecture",
      "gpu.fwid",
    ]);
  });

  it("gpu.chain.root: a stranger's chain with its own root", async () => {
    const { decoded } = await gpuOf(await makeAuthority());
    expect(failed((await verify(decoded)).checks)).toEqual(["gpu.chain.root"]);
  });

  it("gpu.chain.root: NVIDIA's pinned root accepts no synthetic GPU", async () => {
    const { checks } = await verifyGpuReport(gpu.decoded, { now: NOW, nonce: NONCE });
    expect(failed(checks)).toEqual(["gpu.chain.root"]);
  });

  it.each(["2025-12-31T23:59:59Z", "2027-12-31T00:00:01Z"])("gpu.chain.window: at %s", async (time) => {
    expect(failed((await verify(gpu.decoded, { now: new Date(time) })).checks)).toEqual(["gpu.chain.window"]);
  });

  it("gpu.architecture: a chain of two chips", async () => {
    const blackwell = await makeAuthority("blackwell");
    const mixed = { ...blackwell, architecture: "hopper" as const };
    const { decoded } = await gpuOf(mixed);
    expect(failed((await verify(decoded, { root: blackwell.root.der })).checks)).toEqual([
      "gpu.architecture",
    ]);
  });

  it.each([
    ["the boot ROM's certificate left out", [0, 2, 3, 4]],
    ["the root left out", [0, 1, 2, 3]],
    ["a certificate too many", [0, 1, 2, 3, 4, 4]],
    ["certificates in another order", [0, 2, 1, 3, 4]],
    ["root first", [4, 3, 2, 1, 0]],
  ])("gpu.chain: %s", async (_, order) => {
    const chain = pem(order.map((i) => gpu.identity.chain[i]!));
    const result = await verify({ ...gpu.decoded, chain });
    expect(failed(result.checks)).toContain("gpu.chain");
    expect(result.chain).toBeNull();
    expect(result.accepted).toBe(false);
  });

  it("gpu.chain: a leaf that is a CA", async () => {
    const { bootRom, chain } = gpu.identity;
    const leaf = await certify(
      { subject: "CN=GH100 A01 GSP FMC LF", curve: "P-384", ca: true, issuer: bootRom, ...VALIDITY },
      gpu.identity.attestation,
    );
    const { checks } = await verify({ ...gpu.decoded, chain: pem([leaf, ...chain.slice(1)]) });
    expect(failed(checks)).toContain("gpu.chain");
  });

  it("gpu.chain: an issuer that is no CA, such as a leaf that signs a leaf of its own", async () => {
    const { attestation, chain } = gpu.identity;
    const subject = "CN=GH100 A01 GSP FMC LF, O=NVIDIA Corporation, C=US";
    const forged = await certify({ subject, curve: "P-384", ca: false, issuer: attestation, ...VALIDITY });
    const { checks } = await verify({ ...gpu.decoded, chain: pem([forged, attestation, ...chain.slice(2)]) });
    expect(failed(checks)).toContain("gpu.chain");
  });

  it("gpu.chain: P-256 where NVIDIA uses P-384 is no different chain, but its report is refused", async () => {
    const { bootRom, chain } = gpu.identity;
    const leaf = await certify({
      subject: "CN=GH100 A01 GSP FMC LF",
      curve: "P-256",
      ca: false,
      issuer: bootRom,
      ...VALIDITY,
    });
    const { checks } = await verify({ ...gpu.decoded, chain: pem([leaf, ...chain.slice(1)]) });
    expect(failed(checks)).toContain("gpu.report.signature");
  });

  it.each([
    ["nothing", () => ""],
    ["text in a certificate's line", (chain: string) => `GPU 0: ${chain}`],
    [
      "a rule of dashes between the certificates",
      (chain: string) => chain.replace("-----\n-----", "-----\n----------\n-----"),
    ],
    ["a private key's label", (chain: string) => chain.replaceAll("CERTIFICATE", "PRIVATE KEY")],
    ["base64 that is not canonical", (chain: string) => chain.replace("MII", "M!I")],
    ["nine certificates", (chain: string) => chain.repeat(2)],
    [
      "a megabyte of one certificate",
      (chain: string) => chain.replace("MII", `${"A".repeat(64)}\n`.repeat(20_000)),
    ],
  ])("gpu.chain.format: %s", async (_, change) => {
    const { checks, accepted } = await verify({ ...gpu.decoded, chain: change(gpu.decoded.chain) });
    expect(failed(checks)).toEqual(["gpu.chain.format"]);
    expect(accepted).toBe(false);
  });

  it.each([
    [
      "gpu-chain-five-nuls",
      (chain: string) => chain + "\0".repeat(5),
      "5 characters outside the certificates",
    ],
    [
      "text around the certificates",
      (chain: string) => `GPU 0:\n${chain}`,
      "5 characters outside the certificates",
    ],
    [
      "text between the certificates",
      (chain: string) => chain.replace("-----\n-----", "-----\nhello\n-----"),
      "5 characters outside the certificates",
    ],
  ])("%s: left out, and told", async (_, change, detail) => {
    const { checks, accepted } = await verify({ ...gpu.decoded, chain: change(gpu.decoded.chain) });
    expect(accepted).toBe(true);
    expect(checks.find(({ id }) => id === "gpu.chain.format")).toMatchObject({ outcome: "pass", detail });
  });

  it("gpu-report-one-trailing-nul: left out, and told", async () => {
    const report = Uint8Array.of(...gpu.decoded.report, 0);
    const { checks, accepted } = await verify({ ...gpu.decoded, report });
    expect(accepted).toBe(true);
    const detail = "1 zero bytes after the signature";
    expect(checks.find(({ id }) => id === "gpu.report.format")).toMatchObject({ outcome: "pass", detail });
  });

  it("gpu.report.format: nothing depends on a report that cannot be read", async () => {
    const { checks, report } = await verify({ ...gpu.decoded, report: new Uint8Array(10) });
    expect(failed(checks)).toEqual(["gpu.report.format"]);
    expect(report).toBeNull();
    expect(checks.filter(({ outcome }) => outcome === "not-evaluated").map(({ id }) => id)).toEqual([
      "gpu.fwid",
      "gpu.report.signature",
      "gpu.nonce",
    ]);
  });
});

describe("damage", () => {
  it("one bit flipped anywhere in the report is refused", async () => {
    // Every byte of the headers, the opaque data and the signature; every eleventh of the 64 like blocks.
    for (let at = 0; at < gpu.report.length; at += at < 110 || at > 3500 ? 1 : 11) {
      const { accepted } = await verify({ ...gpu.decoded, report: flip(gpu.report, at) });
      expect(accepted, `byte ${at}`).toBe(false);
    }
  });

  it("one bit flipped in any certificate but the dropped root is refused", async () => {
    for (const [i, certificate] of gpu.identity.chain.slice(0, 4).entries()) {
      for (let at = 0; at < certificate.der.length; at += 5) {
        const pems = gpu.identity.chain.map((c, k) => (k === i ? toPem(flip(certificate.der, at)) : c.pem));
        const { accepted } = await verify({ ...gpu.decoded, chain: pems.join("") });
        expect(accepted, `certificate ${i} byte ${at}`).toBe(false);
      }
    }
  });

  it("a chain cut at any byte is refused", async () => {
    const { chain } = gpu.decoded;
    for (let length = 0; length < chain.length - 1; length += 7) {
      const { accepted } = await verify({ ...gpu.decoded, chain: chain.slice(0, length) });
      expect(accepted, `cut at ${length}`).toBe(false);
    }
  });
});

function toPem(der: Uint8Array): string {
  const lines = encodeBase64(der).match(/.{1,64}/g) ?? [];
  expect(decodeBase64(lines.join(""))).toEqual(der);
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

describe("several GPUs", () => {
  it("pass a check only when each passes it, and the failing one is named", async () => {
    const good = await verify(gpu.decoded);
    const other = await gpuOf(authority, {
      report: { nonce: new Uint8Array(32), blocks: makeBlocks("other") },
    });
    const bad = await verify(other.decoded);
    const merged = mergeGpuChecks([good, bad]);
    expect(failed(merged)).toEqual(["gpu.nonce"]);
    expect(merged.find(({ id }) => id === "gpu.nonce")?.detail).toContain("GPU 1");
  });

  it("are not accepted by a check that was made for one of them only", async () => {
    const merged = mergeGpuChecks([await verify(gpu.decoded), await verify({ ...gpu.decoded, chain: "" })]);
    expect(merged.find(({ id }) => id === "gpu.chain.root")?.outcome).toBe("not-evaluated");
  });

  it("none at all pass nothing", () => {
    expect(mergeGpuChecks([]).map(({ outcome }) => outcome)).toEqual(
      GPU_REPORT_CHECKS.map(() => "not-evaluated"),
    );
  });
});
