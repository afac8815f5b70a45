// Writes a policy as a CoRIM (draft-ietf-rats-corim-11), unsigned or signed: one CoMID for each tuple, and a CoTL that says which of them
// are in force. docs/corim-profile.md is the profile that it names.
import { type Cbor, encodeCbor, map } from "../protocol/cose/cbor.ts";
import { CLAIM, type CoseSigner, encodeCoseSign1, HEADER, signCose } from "../protocol/cose/cose-sign1.ts";
import { sha256 } from "../protocol/cryptography/hash.ts";
import { decodeHex } from "../protocol/encoding/hex.ts";
import { utf8 } from "../protocol/encoding/text.ts";
import type { GpuRim } from "../protocol/entry/kinds/gpu-rim.ts";
import { comid, cotl, epochTime, unsignedCorim, uri } from "./cbor-tags.ts";
import { type PolicyInForce, policyLabel, type Tuple } from "./policy-in-force.ts";
import type { PolicyView } from "./policy-view.ts";

/** Profile of these CoRIMs, in CoRIM (tag 32) and CoSERV (bare text). */
export const CORIM_PROFILE = "urn:touchstone:corim:v1";
/** Of an unsigned CoRIM, and of a signed one. */
export const CORIM_MEDIA_TYPE = "application/rim+cbor";
export const SIGNED_CORIM_MEDIA_TYPE = "application/rim+cose";

/** Hash algorithms of the Named Information registry. */
const SHA256 = 1;
const SHA384 = 7;
/** Members of a measurement-values-map. */
const VALUE = { version: 0, digests: 2, name: 11, integrityRegisters: 14 } as const;
const ROLE = { tagCreator: 0, manifestCreator: 1 } as const;
/** Labels of the protected header of a signed CoRIM beside COSE's own. */
const CORIM_META = 8;

export const corim: PolicyView = {
  format: "corim",
  revision: "draft-ietf-rats-corim-11",
  mediaType: CORIM_MEDIA_TYPE,
  holds: "one",
  cannotSay: [
    "Which statuses of the TCB are accepted, TD attributes, XFAM, modes of GPUs, the channel binding.",
    "NVSwitches and how GPUs are wired to them: a reader of the CoRIM alone accepts GPUs in PPCIE whose switches nobody attested.",
    "Lowest security versions, also of GPU firmware, thresholds of signers, revocation: its validity ends with the status, so that a revoked policy is not handed out for longer.",
    "RTMR3 that is replayed from an event log: the register is left out.",
    "That the tuple is a whole: readers match each reference triple by itself.",
  ],
  render: ([policy]) => writeCorim(policy as PolicyInForce),
};

export function writeCorim(policy: PolicyInForce): Uint8Array {
  const validity = validityOf(policy);
  const tags = policy.tuples.map((tuple) => ({ id: tagIdOf(policy, tuple), tuple }));
  return encodeCbor(
    unsignedCorim(
      map(
        [0, `sha256:${policy.digest}`],
        [
          1,
          [
            ...tags.map(({ id, tuple }) => comid(encodeCbor(comidOf(policy, tuple, id)))),
            cotl(
              encodeCbor(
                map(
                  [0, tagIdentity(tagId(`${policy.digest}/cotl`))],
                  [1, tags.map(({ id }) => tagIdentity(id))],
                  [2, validity],
                ),
              ),
            ),
          ],
        ],
        [3, uri(CORIM_PROFILE)],
        [4, validity],
        [5, [entity(policy, ROLE.manifestCreator)]],
      ),
    ),
  );
}

/** The draft takes either of corim-meta and CWT claims; veraison/corim refuses a message without the first, so both are written. */
export async function signCorim(policy: PolicyInForce, signer: CoseSigner): Promise<Uint8Array> {
  const meta = map([0, map([0, nameOf(policy)], [1, uri(issuerOf(policy))])], [1, validityOf(policy)]);
  const claims = map([CLAIM.issuer, issuerOf(policy)], [CLAIM.subject, `touchstone:${policyLabel(policy)}`]);
  const payload = writeCorim(policy);
  const signature = await signCose(
    signer,
    [
      [HEADER.contentType, CORIM_MEDIA_TYPE],
      [CORIM_META, encodeCbor(meta)],
      [HEADER.cwtClaims, claims],
    ],
    payload,
  );
  return encodeCoseSign1(signature, payload);
}

function comidOf(policy: PolicyInForce, tuple: Tuple, id: Uint8Array) {
  return map(
    [1, tagIdentity(id)],
    [2, [entity(policy, ROLE.tagCreator)]],
    [4, map([0, referenceTriples(tuple)])],
  );
}

/** A reference triple: an environment, and what of it is measured. */
export type Triple = readonly [ReadonlyMap<string | number, Cbor>, readonly Cbor[]];

const TDX_GUEST = { vendor: "Intel Corporation", model: "TDX guest" } as const;
const GPU_VENDOR = "NVIDIA";

/** Everything that one tuple says: of the guest, and of its GPUs. */
export function referenceTriples(tuple: Tuple): Triple[] {
  return [guestTriple(tuple), ...gpuTriples(tuple)];
}

function guestTriple({ mrtd, rtmr0, rtmr1, rtmr2, rtmr3 }: Tuple): Triple {
  const register = (value: string) => [[SHA384, decodeHex(value)]];
  const registers = map(
    [0, register(rtmr0)],
    [1, register(rtmr1)],
    [2, register(rtmr2)],
    [3, rtmr3 === null ? undefined : register(rtmr3)],
    ["mrtd", register(mrtd)],
  );
  return [environment(TDX_GUEST), [measurement(undefined, [VALUE.integrityRegisters, registers])]];
}

/** Alternatives are triples of their own: several digests in one slot are alternatives to one reader and a contradiction to another. */
function gpuTriples({ profile: { gpu }, rims }: Tuple): Triple[] {
  const product = rims[0]?.rim.product ?? gpu.architecture;
  const alone = (...measured: Cbor[]): Triple => [
    environment({ vendor: GPU_VENDOR, model: product }),
    measured,
  ];
  const version = (key: string) => (text: string) => alone(measurement(key, [VALUE.version, map([0, text])]));
  return [
    ...gpu.driverVersions.map(version("driver-version")),
    ...gpu.vbiosVersions.map(version("vbios-version")),
    ...rims.flatMap(rimTriples),
  ];
}

function rimTriples({ rim, table }: GpuRim): Triple[] {
  const gpu = environment({ vendor: GPU_VENDOR, model: rim.product });
  const rows = table.flatMap((row) => (row.active && "alternatives" in row ? [row] : []));
  const row = (index: number, digest: string) =>
    measurement(index, [VALUE.digests, [[SHA384, decodeHex(digest)]]]);
  const certain = rows.flatMap(({ index, alternatives }) =>
    alternatives.length === 1 ? alternatives.map((digest) => row(index, digest)) : [],
  );
  const open = rows.flatMap(({ index, alternatives }): Triple[] =>
    alternatives.length === 1 ? [] : alternatives.map((digest) => [gpu, [row(index, digest)]]),
  );
  const file = measurement(
    `${rim.covers}-rim`,
    [VALUE.digests, [[SHA256, decodeHex(rim.sha256)]]],
    [VALUE.name, rim.id],
  );
  return [[gpu, [file, ...certain]], ...open];
}

interface Class {
  readonly vendor: string;
  readonly model: string;
}

function environment({ vendor, model }: Class) {
  return map([0, map([1, vendor], [2, model])]);
}

/** The class of the environment that a triple is of. */
export function classOf([environment]: Triple): Class {
  const names = environment.get(0) as ReadonlyMap<number, string>;
  return { vendor: names.get(1) as string, model: names.get(2) as string };
}

function measurement(key: string | number | undefined, ...values: ReadonlyArray<readonly [number, Cbor]>) {
  return map([0, key], [1, map(...values)]);
}

function validityOf({ validFrom, notAfter }: PolicyInForce) {
  return map([0, epochTime(validFrom)], [1, epochTime(notAfter)]);
}

function entity(policy: PolicyInForce, role: number) {
  return map([0, nameOf(policy)], [1, uri(issuerOf(policy))], [2, [role]]);
}

/** The exporter is whoever runs the log, and says so: publishers signed the policy, not this view of it. */
function nameOf({ origin }: PolicyInForce): string {
  return `Touchstone log ${origin}`;
}

export function issuerOf({ origin }: PolicyInForce): string {
  return `https://${origin}`;
}

function tagIdentity(id: Uint8Array) {
  return map([0, id], [1, 1]);
}

function tagIdOf({ digest }: PolicyInForce, { profile, platform }: Tuple): Uint8Array {
  return tagId(`${digest}/${profile.id}/${platform}`);
}

/** A UUID of version 8 (RFC 9562 §5.8) from a digest, so that the same policy gives the same bytes. */
function tagId(text: string): Uint8Array {
  const id = sha256(utf8(text)).slice(0, 16);
  id[6] = ((id[6] ?? 0) & 0x0f) | 0x80;
  id[8] = ((id[8] ?? 0) & 0x3f) | 0x80;
  return id;
}
