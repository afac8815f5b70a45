// What is stapled: asked for at a PCCS and an OCSP responder before anybody wants evidence, and asked for again in the background.
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { CollectedDevice } from "../../src/attester/forms/device-evidence.ts";
import type { Machine as Guest } from "../../src/attester/machine/machine.ts";
import type { Stapled } from "../../src/attester/stapled.ts";
import { fetchStapled } from "../../src/attester/vendors/fetch-stapled.ts";
import { ocspRequest } from "../../src/attester/vendors/ocsp-request.ts";
import { StapleKeeper } from "../../src/attester/vendors/staple-keeper.ts";
import { decodeBase64 } from "../../src/protocol/encoding/base64.ts";
import { encodeHex } from "../../src/protocol/encoding/hex.ts";
import { type Machine, makeOcspResponse, makeOcspSigner } from "../../src/testing/index.ts";
import { ocspStatus, parseOcspResponse } from "../../src/verifier/nvidia/ocsp.ts";
import { parseCertificate } from "../../src/verifier/x509/certificate.ts";
import { derOctets, derSequence, readDer } from "../../src/verifier/x509/der.ts";
import { parsePemCertificates } from "../../src/verifier/x509/pem.ts";
import { machineOf } from "../support/appraisal-world.ts";
import { NOW } from "../support/clock.ts";
import { pccsAnswers } from "../support/vendor-answers.ts";

const PCCS = "https://pccs.example";
const RESPONDER = "http://ocsp.example";
const FMSPC = "90c06f000000";
let machine: Machine;
let guest: Guest;
let device: CollectedDevice;
/** What was asked, in order. */
const asked: string[] = [];

beforeAll(async () => {
  machine = await machineOf();
  const { tdx, gpus } = machine.evidence;
  const [gpu] = gpus;
  device = { kind: "gpu", report: decodeBase64(gpu?.report ?? ""), chain: gpu?.chain ?? "" };
  guest = {
    quote: async () => decodeBase64(tdx.quote),
    eventLog: async () => null,
    devices: async () => [device],
    gpuState: async () => ({ ccMode: "on", devtools: false, mode: "single" }),
  };
});

/** The serial number that a request is about. */
function serialIn(request: Uint8Array): string {
  const certId = [1, 2, 3, 4].reduce((element) => derSequence(element)[0] ?? element, readDer(request));
  return encodeHex(derSequence(certId)[3]?.content ?? new Uint8Array());
}

async function answer(serial: string): Promise<Uint8Array> {
  const { root, identity, provisioner } = machine.vendors.nvidia;
  const bootRom = machine.gpus[0]!.identity.bootRom;
  const pairs = [
    [bootRom, provisioner],
    [provisioner, identity],
    [identity, root],
  ] as const;
  const [certificate, issuer] = pairs.find(([one]) => one.serial === serial)!;
  const day = 86_400_000;
  const window = {
    thisUpdate: new Date(NOW.getTime() - day / 2),
    nextUpdate: new Date(NOW.getTime() + day / 2),
  };
  const signer = await makeOcspSigner(issuer, { notBefore: window.thisUpdate, notAfter: window.nextUpdate });
  return makeOcspResponse({ certificate, issuer, signer, status: "good", ...window });
}

const network =
  (missing?: string): typeof fetch =>
  async (input, init) => {
    const url = String(input);
    asked.push(url);
    if (url.startsWith(RESPONDER)) {
      const request = new Uint8Array(await new Response(init?.body).arrayBuffer());
      return new Response((await answer(serialIn(request))).slice());
    }
    const found = pccsAnswers(machine.evidence.tdx.collateral, FMSPC).find(({ path }) => url === PCCS + path);
    if (found === undefined || found.path === missing) return new Response("not here", { status: 404 });
    return new Response(Buffer.from(found.body), { headers: found.headers });
  };

const sources = (missing?: string) => ({
  collateral: [PCCS],
  revocation: [RESPONDER],
  fetch: network(missing),
});

describe("asking the vendors", () => {
  it("gets collateral of a PCCS for the platform of the quote", async () => {
    const { collateral } = await fetchStapled(guest, sources());
    expect(collateral).toEqual(machine.evidence.tdx.collateral);
  });

  it("gets an answer of the responder for each certificate but the leaf and the root", async () => {
    const { revocationOf } = await fetchStapled(guest, sources());
    const { ocsp } = revocationOf(device);
    const [, deviceKey, provisioner, identity] = parsePemCertificates(device.chain, 5);
    const pairs = [
      [deviceKey!, provisioner!],
      [provisioner!, identity!],
      [identity!, parseCertificate(machine.roots.nvidia)],
    ] as const;
    for (const [certificate, issuer] of pairs) {
      const statuses = await Promise.all(
        ocsp.map((der) => {
          const parsed = parseOcspResponse(der);
          if ("error" in parsed) throw new Error(parsed.error);
          return ocspStatus(parsed, certificate, issuer, NOW);
        }),
      );
      expect(statuses).toContainEqual(expect.objectContaining({ status: "good" }));
    }
    expect(ocsp).toHaveLength(3);
  });

  it("names what a PCCS does not have", async () => {
    const identity = "/tdx/certification/v4/qe/identity";
    await expect(fetchStapled(guest, sources(identity))).rejects.toThrow(`${PCCS}${identity}: answered 404`);
    const crl = "/sgx/certification/v4/rootcacrl";
    await expect(fetchStapled(guest, sources(crl))).rejects.toThrow(crl);
  });

  it("asks in a form whose hashes a responder of NVIDIA knows: SHA-384", () => {
    const [, certificate, issuer] = parsePemCertificates(device.chain, 5);
    const request = ocspRequest(certificate!, issuer!);
    const certId = [1, 2, 3, 4].reduce((element) => derSequence(element)[0] ?? element, readDer(request));
    const [, name, key] = derSequence(certId);
    expect([name, key].map((hash) => derOctets(hash!).length)).toEqual([48, 48]);
    expect(serialIn(request)).toBe(certificate!.serial);
  });
});

describe("what is stapled", () => {
  afterAll(() => vi.useRealTimers());

  it("is fetched again in the background; where that fails, what there was is stapled on and the next try comes sooner", async () => {
    vi.useFakeTimers();
    const stapled = (name: string) => ({ collateral: name }) as unknown as Stapled;
    const answers: Array<Stapled | Error> = [stapled("first"), new Error("no network"), stapled("second")];
    const errors: unknown[] = [];
    const keeper = await StapleKeeper.start({
      fetch: async () => {
        const next = answers.shift();
        if (next === undefined || next instanceof Error) throw next ?? new Error("asked once too often");
        return next;
      },
      everyMs: 1000,
      againMs: 10,
      onError: (error) => errors.push(error),
    });
    expect(keeper.stapled).toEqual(stapled("first"));
    await vi.advanceTimersByTimeAsync(1000);
    expect(errors).toHaveLength(1);
    expect(keeper.stapled).toEqual(stapled("first"));
    await vi.advanceTimersByTimeAsync(10);
    expect(keeper.stapled).toEqual(stapled("second"));
    keeper.stop();
    await vi.advanceTimersByTimeAsync(100_000);
    expect(errors).toHaveLength(1);
  });
});
