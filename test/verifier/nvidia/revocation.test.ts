// Revocation: stapled OCSP answers and CRLs that are expired, about others, by others, or garbage must not count as good.
import { beforeAll, describe, expect, it, vi } from "vitest";
import { MalformedError, PolicyError, VerificationError } from "../../../src/protocol/errors.ts";
import { certify, makeCrl } from "../../../src/testing/authority.ts";
import { enumerated, sequence } from "../../../src/testing/der.ts";
import { makeNvidiaCrls, type NvidiaAuthority } from "../../../src/testing/nvidia.ts";
import {
  makeOcspError,
  makeOcspResponse,
  makeOcspSigner,
  type OcspFields,
} from "../../../src/testing/ocsp.ts";
import type { DeviceChain } from "../../../src/verifier/nvidia/certificate-chain.ts";
import {
  type NotRevoked,
  type RevocationMode,
  requireGpuNotRevoked,
} from "../../../src/verifier/nvidia/revocation.ts";
import { verifyGpuReport } from "../../../src/verifier/nvidia/verify-report.ts";
import { VerifiedCache } from "../../../src/verifier/verified-cache.ts";
import { flip, gpuOf, makeAuthority, NOW, type TestGpu } from "./synthetic-gpu.ts";

const HOUR = 3_600_000;
const hoursBefore = (hours: number) => new Date(NOW.getTime() - hours * HOUR);
const hoursAfter = (hours: number) => hoursBefore(-hours);
const WINDOW = { thisUpdate: hoursBefore(1), nextUpdate: hoursAfter(23) };

let authority: NvidiaAuthority;
let gpu: TestGpu;
let chain: DeviceChain;
beforeAll(async () => {
  authority = await makeAuthority();
  gpu = await gpuOf(authority);
  const result = await verifyGpuReport(gpu.decoded, { now: NOW, nonce: null, root: authority.root.der });
  chain = result.chain!;
});

const check = (stapled: { ocsp?: Uint8Array[]; crls?: Uint8Array[] }, mode: RevocationMode, now = NOW) =>
  requireGpuNotRevoked(chain, { ocsp: [], crls: [], ...stapled }, { mode, now, root: authority.root.der });
const refuses = (found: Promise<NotRevoked>) => expect(found).rejects.toThrow(VerificationError);
/** Authentic, and not valid at the time. */
const refusesNow = (found: Promise<NotRevoked>) => expect(found).rejects.toThrow(PolicyError);

/** The good answers with the one about the boot ROM's certificate made anew. */
async function withDeviceAnswer(fields: Partial<OcspFields>): Promise<Uint8Array[]> {
  const issuer = authority.provisioner;
  const signer =
    fields.signer ?? (await makeOcspSigner(issuer, { notBefore: hoursBefore(24), notAfter: hoursAfter(24) }));
  const answer = await makeOcspResponse({
    certificate: gpu.identity.bootRom,
    issuer,
    signer,
    status: "good",
    ...WINDOW,
    ...fields,
  });
  return [answer, ...gpu.decoded.ocsp.slice(1)];
}

describe("stapled OCSP answers", () => {
  it("good ones for all three certificates are accepted, in any order", async () => {
    expect((await check({ ocsp: gpu.decoded.ocsp }, "ocsp-stapled")).found).toContain("3 certificates good");
    await check({ ocsp: [...gpu.decoded.ocsp].reverse() }, "ocsp-stapled");
  });

  it("may be signed by the issuer itself", async () => {
    await check({ ocsp: await withDeviceAnswer({ signer: authority.provisioner }) }, "ocsp-stapled");
  });

  it.each([0, 1, 2])("are all needed: number %i is absent", async (absent) => {
    await refuses(check({ ocsp: gpu.decoded.ocsp.filter((_, i) => i !== absent) }, "ocsp-stapled"));
  });

  it("are needed at all", async () => {
    await refuses(check({}, "ocsp-stapled"));
    await refuses(check({ crls: gpu.decoded.crls }, "ocsp-stapled"));
  });

  it.each(["revoked", "unknown"] as const)("that say %s", async (status) => {
    await refuses(check({ ocsp: await withDeviceAnswer({ status }) }, "ocsp-stapled"));
  });

  it("one that says revoked outweighs one that says good", async () => {
    const [revoked] = await withDeviceAnswer({ status: "revoked" });
    await refuses(check({ ocsp: [...gpu.decoded.ocsp, revoked!] }, "ocsp-stapled"));
  });

  it.each([
    ["expired", hoursBefore(48), hoursBefore(24)],
    ["from the future", hoursAfter(1), hoursAfter(24)],
  ])("%s", async (_, thisUpdate, nextUpdate) => {
    await refusesNow(check({ ocsp: await withDeviceAnswer({ thisUpdate, nextUpdate }) }, "ocsp-stapled"));
  });

  it("are good for 24 hours and no longer, whatever the clock of the guest says", async () => {
    await check({ ocsp: gpu.decoded.ocsp }, "ocsp-stapled", hoursAfter(23));
    await refusesNow(check({ ocsp: gpu.decoded.ocsp }, "ocsp-stapled", hoursAfter(24)));
    await refusesNow(check({ ocsp: gpu.decoded.ocsp }, "ocsp-stapled", hoursBefore(2)));
  });

  it("about another GPU's certificate", async () => {
    const other = await gpuOf(authority);
    await refuses(
      check({ ocsp: await withDeviceAnswer({ certificate: other.identity.bootRom }) }, "ocsp-stapled"),
    );
  });

  it("about the same serial number of another issuer", async () => {
    const stranger = await makeAuthority();
    await refuses(check({ ocsp: await withDeviceAnswer({ issuer: stranger.provisioner }) }, "ocsp-stapled"));
  });

  it("by a signer that the issuer did not authorise for OCSP", async () => {
    const signer = await makeOcspSigner(
      authority.provisioner,
      { notBefore: hoursBefore(24), notAfter: hoursAfter(24) },
      false,
    );
    await refuses(check({ ocsp: await withDeviceAnswer({ signer }) }, "ocsp-stapled"));
  });

  it("by an OCSP signer of another CA", async () => {
    const signer = await makeOcspSigner(authority.identity, {
      notBefore: hoursBefore(24),
      notAfter: hoursAfter(24),
    });
    await refuses(check({ ocsp: await withDeviceAnswer({ signer }) }, "ocsp-stapled"));
  });

  it("by the revoked certificate's own key", async () => {
    await refuses(check({ ocsp: await withDeviceAnswer({ signer: gpu.identity.bootRom }) }, "ocsp-stapled"));
  });

  it("by an OCSP signer whose certificate has expired", async () => {
    const signer = await makeOcspSigner(authority.provisioner, {
      notBefore: hoursBefore(72),
      notAfter: hoursBefore(2),
    });
    await refusesNow(check({ ocsp: await withDeviceAnswer({ signer }) }, "ocsp-stapled"));
  });

  it("are good until the next update, or the end of the signer where that is sooner", async () => {
    const untilOf = async (fields: Partial<OcspFields>) => {
      const { valid } = await check({ ocsp: await withDeviceAnswer(fields) }, "ocsp-stapled");
      return valid[0]!.until;
    };
    const notBefore = hoursBefore(24);
    const signer = await makeOcspSigner(authority.provisioner, { notBefore, notAfter: hoursAfter(1) });
    expect(await untilOf({ nextUpdate: hoursAfter(2) })).toEqual(hoursAfter(2));
    expect(await untilOf({ nextUpdate: hoursAfter(2), signer })).toEqual(hoursAfter(1));
  });

  it("are good for as long as the one of several that lasts longest", async () => {
    const [short] = await withDeviceAnswer({ nextUpdate: hoursAfter(1) });
    const [longer] = await withDeviceAnswer({ nextUpdate: hoursAfter(3) });
    for (const pair of [
      [short!, longer!],
      [longer!, short!],
    ]) {
      const { valid } = await check({ ocsp: [...pair, ...gpu.decoded.ocsp.slice(1)] }, "ocsp-stapled");
      expect(valid.map(({ until }) => until)).toContainEqual(hoursAfter(3));
    }
  });

  it.each([1, 2, 3, 5, 6])("that are error %i of the responder say nothing, for or against", async (code) => {
    const [device, ...others] = gpu.decoded.ocsp;
    const { found } = await check({ ocsp: [makeOcspError(code), device!, ...others] }, "ocsp-stapled");
    expect(found).toBe("3 certificates good by ocsp-stapled; 1 of 4 stapled answers settle nothing");
    await refuses(check({ ocsp: [makeOcspError(code), ...others] }, "ocsp-stapled"));
  });

  it("ocsp-unauthorized-for-the-leaf: a responder that does not know the leaf spoils nothing", async () => {
    const leaf = makeOcspError(6);
    expect((await check({ ocsp: [leaf, ...gpu.decoded.ocsp] }, "ocsp-stapled")).found).toContain(
      "3 certificates good",
    );
  });

  it.each([
    ["unknown", { status: "unknown" }],
    ["stale", { thisUpdate: hoursBefore(48), nextUpdate: hoursBefore(24) }],
  ] as const)("that are %s beside a fresh one spoil nothing, in any order", async (_, fields) => {
    const [idle] = await withDeviceAnswer(fields);
    for (const ocsp of [
      [idle!, ...gpu.decoded.ocsp],
      [...gpu.decoded.ocsp, idle!],
    ])
      expect((await check({ ocsp }, "ocsp-stapled")).found).toContain(
        "1 of 4 stapled answers settle nothing",
      );
  });

  it("that said revoked yesterday outweigh one that says good today", async () => {
    const yesterday = { thisUpdate: hoursBefore(48), nextUpdate: hoursBefore(24) };
    const [revoked] = await withDeviceAnswer({ status: "revoked", ...yesterday });
    await refuses(check({ ocsp: [...gpu.decoded.ocsp, revoked!] }, "ocsp-stapled"));
  });

  it("count from five minutes before their thisUpdate, and not from six", async () => {
    const in5Minutes = new Date(NOW.getTime() + 300_000);
    const ahead = await withDeviceAnswer({ thisUpdate: in5Minutes });
    await check({ ocsp: ahead }, "ocsp-stapled");
    await refusesNow(check({ ocsp: ahead }, "ocsp-stapled", new Date(NOW.getTime() - 1000)));
  });

  it("that are an error no responder gives are refused", async () => {
    for (const bad of [makeOcspError(4), makeOcspError(7), sequence(enumerated(6), sequence())])
      await expect(check({ ocsp: [...gpu.decoded.ocsp, bad] }, "ocsp-stapled")).rejects.toThrow(
        MalformedError,
      );
  });

  it("that are garbage, even beside good ones", async () => {
    for (const garbage of [
      new Uint8Array(),
      Uint8Array.of(0x30, 0x80, 0, 0),
      new Uint8Array(5000).fill(0x30),
    ]) {
      await expect(check({ ocsp: [...gpu.decoded.ocsp, garbage] }, "ocsp-stapled")).rejects.toThrow(
        MalformedError,
      );
    }
  });

  it("cut or damaged anywhere are refused by our own errors, or mean the same", async () => {
    await damageEverywhere(gpu.decoded.ocsp, (ocsp) => check({ ocsp }, "ocsp-stapled"));
  });
});

describe("CRLs", () => {
  it("good ones are accepted", async () => {
    expect((await check({ crls: gpu.decoded.crls }, "crl")).found).toContain("3 certificates good");
  });

  it("NVIDIA publishes none for device keys, so that one may be absent", async () => {
    expect((await check({ crls: gpu.decoded.crls.slice(0, 2) }, "crl")).found).toContain(
      "2 certificates good",
    );
  });

  it("but the root's and the identity CA's are needed", async () => {
    await refuses(check({ crls: gpu.decoded.crls.slice(1) }, "crl"));
    await refuses(check({ crls: gpu.decoded.crls.filter((_, i) => i !== 1) }, "crl"));
    await refuses(check({}, "crl"));
    await refuses(check({ ocsp: gpu.decoded.ocsp }, "crl"));
  });

  it.each(["bootRom", "provisioner", "identity"] as const)("that list the %s certificate", async (name) => {
    const { serial } = name === "bootRom" ? gpu.identity.bootRom : authority[name];
    const crls = await makeNvidiaCrls(authority, { ...WINDOW, revoked: [serial] });
    await refuses(check({ crls }, "crl"));
  });

  it("that list other certificates only", async () => {
    await check({ crls: await makeNvidiaCrls(authority, { ...WINDOW, revoked: ["41", "7f00"] }) }, "crl");
  });

  it.each([
    ["expired", hoursBefore(48), hoursBefore(24)],
    ["from the future", hoursAfter(1), hoursAfter(24)],
  ])("%s", async (_, thisUpdate, nextUpdate) => {
    await refusesNow(check({ crls: await makeNvidiaCrls(authority, { thisUpdate, nextUpdate }) }, "crl"));
  });

  it("by a stranger of the same name", async () => {
    await refuses(check({ crls: await makeNvidiaCrls(await makeAuthority(), WINDOW) }, "crl"));
  });

  it("by the issuer's key under another name", async () => {
    const renamed = { ...authority.root, subject: "CN=Somebody Else" };
    const crls = [await makeCrl({ issuer: renamed, ...WINDOW }), ...gpu.decoded.crls.slice(1)];
    await refuses(check({ crls }, "crl"));
  });

  it("by a certificate that may not sign CRLs", async () => {
    const signer = await certify({
      subject: authority.identity.subject,
      curve: "P-384",
      ca: false,
      issuer: authority.root,
      notBefore: hoursBefore(9),
      notAfter: hoursAfter(9),
    });
    const crls = [gpu.decoded.crls[0]!, await makeCrl({ issuer: signer, ...WINDOW })];
    await refuses(check({ crls }, "crl"));
  });

  it("that are garbage, even beside good ones", async () => {
    for (const garbage of [new Uint8Array(), new Uint8Array(300).fill(0x30), gpu.decoded.ocsp[0]!]) {
      await expect(check({ crls: [...gpu.decoded.crls, garbage] }, "crl")).rejects.toThrow(MalformedError);
    }
  });

  it("cut or damaged anywhere are refused by our own errors, or mean the same", async () => {
    await damageEverywhere(gpu.decoded.crls, (crls) => check({ crls }, "crl"));
  });
});

/** Only what is around the signed bytes may change unnoticed, such as a length that the ASN.1 library forgives. */
async function damageEverywhere(
  good: Uint8Array[],
  judge: (stapled: Uint8Array[]) => Promise<NotRevoked>,
): Promise<void> {
  const [first = new Uint8Array(), ...rest] = good;
  const same = await judge(good);
  for (let at = 0; at < first.length; at += 2) {
    await expect(judge([first.subarray(0, at), ...rest]), `cut at ${at}`).rejects.toThrow(MalformedError);
    const outcome = await judge([flip(first, at), ...rest]).catch((error: unknown) => error);
    const refused = outcome instanceof MalformedError || outcome instanceof VerificationError;
    expect(refused || outcome === same, `byte ${at}: ${String(outcome)}`).toBe(true);
  }
}

it("revocation that is not required is said out loud", async () => {
  expect((await check({}, "not-required")).found).toContain("not required");
});

describe("answers that were verified before", () => {
  const YEAR = 365 * 24 * HOUR;
  const ask = (mode: RevocationMode, options: { now?: Date; verified?: VerifiedCache }, stapled: object) =>
    requireGpuNotRevoked(
      chain,
      { ocsp: [], crls: [], ...stapled },
      { mode, now: NOW, root: authority.root.der, ...options },
    );

  async function signaturesOf(work: () => Promise<unknown>): Promise<number> {
    const verify = vi.spyOn(crypto.subtle, "verify");
    await work();
    const { length } = verify.mock.calls;
    verify.mockRestore();
    return length;
  }

  const stapledFor = async (mode: RevocationMode) =>
    mode === "crl" ? { crls: await makeNvidiaCrls(authority, WINDOW) } : { ocsp: gpu.decoded.ocsp };

  it.each<RevocationMode>(["ocsp-stapled", "crl"])(
    "are not verified again, by %s, and found the same",
    async (mode) => {
      const verified = new VerifiedCache();
      const stapled = await stapledFor(mode);
      const first = await ask(mode, { verified }, stapled);
      expect(first).toEqual(await ask(mode, {}, stapled));
      expect(await signaturesOf(() => ask(mode, {}, stapled))).toBeGreaterThan(1);
      expect(await signaturesOf(() => ask(mode, { verified }, stapled))).toBe(0);
      expect(await ask(mode, { verified }, stapled)).toEqual(first);
    },
  );

  it.each<RevocationMode>(["ocsp-stapled", "crl"])("are judged at each time anew, by %s", async (mode) => {
    const verified = new VerifiedCache();
    const stapled = await stapledFor(mode);
    await ask(mode, { verified }, stapled);
    for (const now of [hoursAfter(24 * 30), new Date(NOW.getTime() - YEAR)]) {
      const refusal = await ask(mode, { now }, stapled).catch((error: Error) => error.message);
      await expect(ask(mode, { now, verified }, stapled)).rejects.toThrow(PolicyError);
      await expect(ask(mode, { now, verified }, stapled)).rejects.toThrow(refusal as string);
    }
  });

  it("do not vouch for forged ones, nor for those that say revoked", async () => {
    const verified = new VerifiedCache();
    await ask("ocsp-stapled", { verified }, { ocsp: gpu.decoded.ocsp });
    const revoked = await withDeviceAnswer({ status: "revoked" });
    await refuses(ask("ocsp-stapled", { verified }, { ocsp: revoked }));
    await refuses(ask("ocsp-stapled", { verified }, { ocsp: revoked }));
    const [first, ...rest] = gpu.decoded.ocsp as [Uint8Array, ...Uint8Array[]];
    const forged = [flip(first, first.length - 1), ...rest];
    await expect(ask("ocsp-stapled", { verified }, { ocsp: forged })).rejects.toThrow();
  });
});
