// Makes the answers about revocation that a device staples to its report: OCSP answers and CRLs.
import { encodeBase64 } from "../protocol/encoding/base64.ts";
import type { Certified } from "./authority.ts";
import { type GpuIdentity, makeNvidiaCrls, type NvidiaAuthority } from "./nvidia.ts";
import { makeOcspResponse, type OcspFields } from "./ocsp.ts";

export interface StapledOptions {
  /** Changes to each of the three OCSP answers; null staples none. */
  readonly ocsp?: Partial<OcspFields> | null;
  /** Puts the certificate of the device's boot ROM on the stapled CRLs. */
  readonly revoked?: boolean;
  readonly crlNextUpdate?: Date;
}

const HOUR = 3_600_000;

/** What evidence.json has of a device beside its report and chain: base64. */
export async function makeStapled(
  authority: NvidiaAuthority,
  identity: GpuIdentity,
  at: Date,
  options: StapledOptions,
): Promise<{ ocsp: string[]; crls: string[] }> {
  return {
    ocsp: options.ocsp === null ? [] : await stapledOcsp(authority, identity, at, options.ocsp ?? {}),
    crls: await stapledCrls(authority, identity, at, options),
  };
}

/** Answers for the boot ROM, provisioner and identity certificates. NVIDIA's responder does not know the leaf. */
async function stapledOcsp(
  authority: NvidiaAuthority,
  { bootRom }: GpuIdentity,
  at: Date,
  changes: Partial<OcspFields>,
): Promise<string[]> {
  const { root, identity, provisioner, responders } = authority;
  const questions: Array<[Certified, Certified]> = [
    [bootRom, provisioner],
    [provisioner, identity],
    [identity, root],
  ];
  const window = {
    thisUpdate: new Date(at.getTime() - HOUR),
    nextUpdate: new Date(at.getTime() + 23 * HOUR),
  };
  const answers = questions.map(([certificate, issuer], i) => {
    const signer = responders[i] ?? issuer;
    return makeOcspResponse({ certificate, issuer, signer, status: "good", ...window, ...changes });
  });
  return (await Promise.all(answers)).map(encodeBase64);
}

async function stapledCrls(
  authority: NvidiaAuthority,
  { bootRom }: GpuIdentity,
  at: Date,
  options: StapledOptions,
): Promise<string[]> {
  const crls = await makeNvidiaCrls(authority, {
    thisUpdate: new Date(at.getTime() - 24 * HOUR),
    nextUpdate: options.crlNextUpdate ?? new Date(at.getTime() + 29 * 24 * HOUR),
    revoked: options.revoked ? [bootRom.serial] : [],
  });
  return crls.map(encodeBase64);
}
