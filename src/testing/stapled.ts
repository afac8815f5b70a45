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

/** OCSP answers about the authority's own CAs: the responder gives every device the same. */
export type CommonAnswers = readonly Uint8Array[];

/**
 * What evidence.json has of a device beside its report and chain: base64. NVIDIA's responder does not know the leaf.
 * @param common where the options change no answer.
 */
export async function makeStapled(
  authority: NvidiaAuthority,
  { bootRom }: GpuIdentity,
  at: Date,
  options: StapledOptions,
  common: CommonAnswers | undefined,
): Promise<{ ocsp: string[]; crls: string[] }> {
  const crls = await stapledCrls(authority, bootRom, at, options);
  if (options.ocsp === null) return { ocsp: [], crls };
  const { provisioner } = authority;
  const [own, ofAuthority] = await Promise.all([
    makeAnswer(authority, bootRom, provisioner, at, options.ocsp),
    options.ocsp === undefined && common ? common : makeCommonAnswers(authority, at, options.ocsp),
  ]);
  return { ocsp: [own, ...ofAuthority].map(encodeBase64), crls };
}

/** Answers for the provisioner and identity certificates. */
export function makeCommonAnswers(
  authority: NvidiaAuthority,
  at: Date,
  changes?: Partial<OcspFields>,
): Promise<CommonAnswers> {
  const { root, identity, provisioner } = authority;
  return Promise.all([
    makeAnswer(authority, provisioner, identity, at, changes),
    makeAnswer(authority, identity, root, at, changes),
  ]);
}

function makeAnswer(
  { root, identity, responders }: NvidiaAuthority,
  certificate: Certified,
  issuer: Certified,
  at: Date,
  changes: Partial<OcspFields> = {},
): Promise<Uint8Array> {
  const signer = responders[issuer === root ? 2 : issuer === identity ? 1 : 0] ?? issuer;
  const thisUpdate = new Date(at.getTime() - HOUR);
  const nextUpdate = new Date(at.getTime() + 23 * HOUR);
  return makeOcspResponse({
    certificate,
    issuer,
    signer,
    status: "good",
    thisUpdate,
    nextUpdate,
    ...changes,
  });
}

async function stapledCrls(
  authority: NvidiaAuthority,
  bootRom: GpuIdentity["bootRom"],
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
