// Gathers what is stapled to evidence: Intel's collateral for this platform, and for each device what says that it is not revoked.
import { randomBytes } from "node:crypto";
import { UnreachableError } from "../../verifier/service-errors.ts";
import { collateralFrom } from "../forms/collateral.ts";
import type { CollectedDevice } from "../forms/device-evidence.ts";
import { certificatesOf, readRevocation, revocationFor } from "../forms/revocation.ts";
import type { SavedAnswer } from "../forms/saved-answer.ts";
import type { Machine } from "../machine/machine.ts";
import type { Stapled } from "../stapled.ts";
import { ocspRequest } from "./ocsp-request.ts";
import { pathsOf } from "./pccs-paths.ts";
import { type Platform, platformOf } from "./platform.ts";
import { ask, type Fetch, isUrl, readFolder } from "./sources.ts";

/** Files, folders and URLs. */
export interface StapleSources {
  /** collateral.json, dcap-qvl's JSON, saved answers of a PCCS, or the address of one. */
  readonly collateral: readonly string[];
  /** OCSP answers and CRLs, or the address of an OCSP responder. */
  readonly revocation: readonly string[];
  readonly fetch: Fetch;
}

const REPORT_DATA_BYTES = 64;
const NONCE_BYTES = 32;

/** @throws AttestingError, MalformedError, UnreachableError or an error of the file system, each of which names what is at fault. */
export async function fetchStapled(machine: Machine, sources: StapleSources): Promise<Stapled> {
  const platform = platformOf(await machine.quote(new Uint8Array(REPORT_DATA_BYTES)));
  const devices = sources.revocation.some(isUrl) ? await machine.devices(randomBytes(NONCE_BYTES)) : [];
  return staple(sources, platform, devices);
}

/**
 * @param devices those about which a responder is asked.
 * @throws as fetchStapled does.
 */
export async function staple(
  sources: StapleSources,
  platform: Platform,
  devices: readonly CollectedDevice[],
): Promise<Stapled> {
  const { fetch } = sources;
  const [collateral, revocation] = await Promise.all([
    gather(sources.collateral, (url) => askPccs(fetch, url, platform)),
    gather(sources.revocation, (url) => askResponder(fetch, url, devices)),
  ]);
  const pieces = revocation.map(readRevocation);
  return {
    collateral: collateralFrom(collateral, platform),
    revocationOf: (device) => revocationFor(device, pieces),
  };
}

async function gather(
  sources: readonly string[],
  askAt: (url: string) => Promise<SavedAnswer[]>,
): Promise<SavedAnswer[]> {
  const answers = sources.map((source) => (isUrl(source) ? askAt(source) : readFolder(source)));
  return (await Promise.all(answers)).flat();
}

/** Intel's own service has no CRL of the root, so one that is not there may come from elsewhere; what is missing in the end is named then. */
async function askPccs(fetch: Fetch, url: string, platform: Platform): Promise<SavedAnswer[]> {
  const base = url.endsWith("/") ? url : `${url}/`;
  const { rootCaCrl, ...paths } = pathsOf(platform);
  const answers = Object.values(paths).map((path) => ask(fetch, base + path));
  const [root, others] = await Promise.all([orNothing(ask(fetch, base + rootCaCrl)), Promise.all(answers)]);
  return root === null ? others : [root, ...others];
}

async function orNothing(answer: Promise<SavedAnswer>): Promise<SavedAnswer | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof UnreachableError) return null;
    throw error;
  }
}

/** Asks once for each certificate that some device has; for the leaves NVIDIA's responder has no answer. */
async function askResponder(
  fetch: Fetch,
  url: string,
  devices: readonly CollectedDevice[],
): Promise<SavedAnswer[]> {
  const requests = new Map<string, Uint8Array>();
  for (const { chain } of devices) {
    const [, ...certificates] = certificatesOf(chain);
    for (const [i, issuer] of certificates.slice(1).entries()) {
      const certificate = certificates[i];
      if (certificate !== undefined) requests.set(certificate.serial, ocspRequest(certificate, issuer));
    }
  }
  const headers = { "content-type": "application/ocsp-request", accept: "application/ocsp-response" };
  return Promise.all(
    [...requests.values()].map((body) => ask(fetch, url, { method: "POST", headers, body: body.slice() })),
  );
}
