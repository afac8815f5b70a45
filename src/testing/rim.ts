// Makes NVIDIA-like RIMs: a SWID tag with golden measurements, enveloped XML signature (W3C XMLDSig), signed under a made-up RIM root.
// Written in Canonical XML form by hand, so that no canonicaliser stands between the maker and the digest it signs.
import { sha384 } from "../protocol/cryptography/hash.ts";
import { encodeBase64 } from "../protocol/encoding/base64.ts";
import { utf8 } from "../protocol/encoding/text.ts";
import { type Certified, certify, signWith, type Validity } from "./authority.ts";
import type { GoldenMeasurement } from "./gpu-report.ts";

const SWID = "http://standards.iso.org/iso/19770/-2/2015/schema.xsd";
const SHA384 = "http://www.w3.org/2001/04/xmlenc#sha384";
const RIM =
  "https://trustedcomputinggroup.org/resource/tcg-reference-integrity-manifest-rim-information-model/";
const DSIG = "http://www.w3.org/2000/09/xmldsig#";
const C14N_1_1 = "http://www.w3.org/2006/12/xml-c14n11";
const MORE = "http://www.w3.org/2001/04/xmldsig-more#";
const OPAQUE_DATA = "https://docs.nvidia.com/attestation/specs/latest/opaque-data.html";
/** All RIMs declare these; one with floors of security version numbers declares one more. */
const OF_ROOT = `xmlns:ns0="${SWID}" xmlns:ns2="${SHA384}"`;
const OF_FLOORS = ` xmlns:ns3="${OPAQUE_DATA}"`;
/** The declarations in scope at SignedInfo, sorted by prefix: its canonical form states them all. */
const ofSignedInfo = (content: string) =>
  `xmlns="${SWID}" xmlns:ds="${DSIG}" ${OF_ROOT}${content.includes(OF_FLOORS) ? OF_FLOORS : ""}`;

/**
 * @example
 * ```ts
 * import type { RimAuthority } from "touchstone/testing";
 * const pinned = ({ root }: RimAuthority): string => root.pem;
 * ```
 */
export interface RimAuthority {
  readonly root: Certified;
  /** Signer first, root last: what a RIM embeds. */
  readonly chain: readonly Certified[];
}

/**
 * A RIM root, the CA of one chip, an intermediate, and a signer.
 * @example
 * ```ts
 * import { makeRimAuthority } from "touchstone/testing";
 * const authority = await makeRimAuthority({ notBefore: new Date("2026-01-01"), notAfter: new Date("2030-01-01") });
 * ```
 */
export async function makeRimAuthority(validity: Validity, chip = "GH100"): Promise<RimAuthority> {
  const ca = { curve: "P-384", ca: true, ...validity } as const;
  const owner = "O=NVIDIA Corporation, C=US";
  const root = await certify({ ...ca, subject: "CN=NVIDIA CoRIM signing Root CA, O=NVIDIA, C=US" });
  const chipCa = await certify({
    ...ca,
    subject: `CN=NVIDIA Reference Value ${chip} CA, ${owner}`,
    issuer: root,
  });
  const issuing = await certify({
    ...ca,
    subject: `CN=NVIDIA Reference Value L3 ${chip} 001, ${owner}`,
    issuer: chipCa,
  });
  const signer = await certify({
    ...ca,
    ca: false,
    subject: `CN=HCC RIM L4 Signer, ${owner}`,
    issuer: issuing,
  });
  return { root, chain: [signer, issuing, chipCa, root] };
}

/**
 * @example
 * ```ts
 * import type { RimFields } from "touchstone/testing";
 * const empty = (fields: RimFields): RimFields => ({ ...fields, table: [] });
 * ```
 */
export interface RimFields {
  /** Chip, such as "GH100". */
  readonly product: string;
  /** Driver or VBIOS version. */
  readonly version: string;
  readonly table: readonly GoldenMeasurement[];
}

/** The document without its signature, in canonical form. */
export function makeRimContent({ product, version, table }: RimFields): string {
  const attributes = `corpus="false" name="${product}" patch="false" supplemental="false" tagId="synthetic" tagVersion="0" version="1.0"`;
  const meta =
    `<ns0:Meta xmlns:ns1="${RIM}" PayloadType="direct" colloquialVersion="${version}" edition="GPU" product="${product}"` +
    ` revision="r1" ns1:BindingSpec="RIMIM" ns1:BindingSpecVersion="1.01" ns1:FirmwareManufacturer="NVIDIA Corporation"` +
    ` ns1:FirmwareManufacturerId="5703" ns1:PlatformManufacturerId="5703" ns1:PlatformManufacturerStr="NVIDIA Corporation"` +
    ` ns1:PlatformModel="${product}"></ns0:Meta>`;
  const floors = table.some((row) => "minSvn" in row) ? OF_FLOORS : "";
  return [
    `<SoftwareIdentity xmlns="${SWID}" ${OF_ROOT}${floors} ${attributes}>`,
    `<ns0:Entity name="NVIDIA Corporation" role="softwareCreator tagCreator"></ns0:Entity>`,
    meta,
    "<ns0:Payload>",
    ...table.map(resource),
    "</ns0:Payload>",
    "</SoftwareIdentity>",
  ].join("\n");
}

function resource(row: GoldenMeasurement): string {
  const { index } = row;
  const active = row.active ? "True" : "False";
  if ("minSvn" in row)
    return `<ns0:Resource active="${active}" index="${index}" name="SVN_${index}" type="Measurement" ns3:minSvn="${row.minSvn}"></ns0:Resource>`;
  const hashes = row.alternatives.map((hash, i) => `ns2:Hash${i}="${hash}"`).join(" ");
  const attributes = `active="${active}" alternatives="${row.alternatives.length}" index="${index}" name="Measurement_${index}"`;
  return `<ns0:Resource ${attributes} size="48" type="Measurement" ${hashes}></ns0:Resource>`;
}

/**
 * Signs a canonical document whose last tag is </SoftwareIdentity>. @returns the RIM file.
 * @param signedInfo changes the SignedInfo before it is signed, to make other profiles than NVIDIA's.
 */
export async function signRim(
  content: string,
  chain: readonly Certified[],
  signedInfo: (text: string) => string = (text) => text,
): Promise<Uint8Array> {
  const [signer] = chain;
  if (signer === undefined) throw new RangeError("a RIM needs a signer");
  const info = signedInfo(signedInfoOf(content));
  const value = encodeBase64(await signWith(signer, utf8(info)));
  const certificates = chain.map(
    ({ der }) => `<ds:X509Certificate>${encodeBase64(der)}</ds:X509Certificate>`,
  );
  const bare = info.replace(` ${ofSignedInfo(content)}`, "");
  const signature =
    `<ds:Signature xmlns:ds="${DSIG}">${bare}<ds:SignatureValue>${value}</ds:SignatureValue>` +
    `<ds:KeyInfo><ds:X509Data>${certificates.join("")}</ds:X509Data></ds:KeyInfo></ds:Signature>`;
  return utf8(content.replace(/<\/SoftwareIdentity>$/, `${signature}</SoftwareIdentity>`));
}

function signedInfoOf(content: string): string {
  const transform = (algorithm: string) => `<ds:Transform Algorithm="${algorithm}"></ds:Transform>`;
  return (
    `<ds:SignedInfo ${ofSignedInfo(content)}>` +
    `<ds:CanonicalizationMethod Algorithm="${C14N_1_1}"></ds:CanonicalizationMethod>` +
    `<ds:SignatureMethod Algorithm="${MORE}ecdsa-sha384"></ds:SignatureMethod>` +
    `<ds:Reference URI=""><ds:Transforms>${transform(`${DSIG}enveloped-signature`)}${transform(C14N_1_1)}</ds:Transforms>` +
    `<ds:DigestMethod Algorithm="${MORE}sha384"></ds:DigestMethod>` +
    `<ds:DigestValue>${encodeBase64(sha384(utf8(content)))}</ds:DigestValue></ds:Reference></ds:SignedInfo>`
  );
}

/**
 * Makes and signs a RIM.
 * @example
 * ```ts
 * import { makeRim, makeRimAuthority, type RimFields } from "touchstone/testing";
 * const rim = async (fields: RimFields): Promise<Uint8Array> =>
 *   makeRim(fields, await makeRimAuthority({ notBefore: new Date("2026-01-01"), notAfter: new Date("2030-01-01") }));
 * ```
 */
export function makeRim(fields: RimFields, { chain }: RimAuthority): Promise<Uint8Array> {
  return signRim(makeRimContent(fields), chain);
}
