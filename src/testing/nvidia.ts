// Plays a made-up NVIDIA: device root, five-certificate chains with the FWID as each architecture states it, CRLs (names and extensions
// as in the vendor's own chains; FWID per TCG DICE Attestation Architecture 1.1 §6.1 and its Composite Device ID predecessor).
import "reflect-metadata";
import { Extension } from "@peculiar/x509";
import { encodeHex } from "../protocol/encoding/hex.ts";
import { utf8 } from "../protocol/encoding/text.ts";
import type { Architecture } from "../verifier/nvidia/certificate-chain.ts";
import { type Certified, certify, makeCrl, type Validity } from "./authority.ts";
import { context, contextPrimitive, encodeInteger, octetString, oid, sequence } from "./der.ts";
import { makeOcspSigner } from "./ocsp.ts";

/** What certificates call the chip: the device's own, and the identity CA's. */
const CHIP = {
  hopper: { device: "GH100", identity: "GH100", core: "GSP" },
  blackwell: { device: "GB100", identity: "GB100", core: "GSP" },
  rubin: { device: "GR100", identity: "GR1XX", core: "GSP" },
  ls10: { device: "LS_10", identity: "GH100", core: "FSP" },
} as const;
const SHA384 = "2.16.840.1.101.3.4.2.2";
const COMPOSITE_DEVICE_ID = "2.23.133.5.4.1";
const DICE_TCB_INFO = "2.23.133.5.4.1.1";
const OWNER = "O=NVIDIA Corporation";

/**
 * @example
 * ```ts
 * import type { NvidiaAuthority } from "touchstone/testing";
 * const deviceRoot = ({ root }: NvidiaAuthority): Uint8Array => root.der;
 * ```
 */
export interface NvidiaAuthority<A extends Architecture = Architecture> {
  readonly root: Certified;
  /** "NVIDIA GH100 Identity", issued by the root. */
  readonly identity: Certified;
  /** "NVIDIA GH100 Provisioner ICA 1", issued by the identity CA. */
  readonly provisioner: Certified;
  /** Answer OCSP requests about what the provisioner, the identity CA and the root issued, in this order. */
  readonly responders: readonly Certified[];
  readonly architecture: A;
}

/**
 * The keys of one GPU or switch.
 * @example
 * ```ts
 * import type { GpuIdentity } from "touchstone/testing";
 * const chainOf = ({ chain }: GpuIdentity): string[] => chain.map(({ subject }) => subject);
 * ```
 */
export interface GpuIdentity {
  readonly architecture: Architecture;
  /** Certifies the attestation key: the boot ROM's key. */
  readonly bootRom: Certified;
  /** Signs reports. */
  readonly attestation: Certified;
  /** All five certificates, leaf first, root last. */
  readonly chain: readonly Certified[];
  /** 48 bytes; null when the leaf states none. */
  readonly fwid: Uint8Array | null;
  /** The device's name, 8 bytes, hex: in the serial number of its boot ROM's certificate. */
  readonly pdi: string;
}

/**
 * The CAs of one chip; `root` shares the root of another.
 * @example
 * ```ts
 * import { makeNvidiaAuthority } from "touchstone/testing";
 * const nvidia = await makeNvidiaAuthority("hopper", { notBefore: new Date("2026-01-01"), notAfter: new Date("2030-01-01") });
 * ```
 */
export async function makeNvidiaAuthority<A extends Architecture>(
  architecture: A,
  validity: Validity,
  root?: Certified,
): Promise<NvidiaAuthority<A>> {
  const ca = { curve: "P-384", ca: true, ...validity } as const;
  const chip = CHIP[architecture];
  const top = root ?? (await certify({ ...ca, subject: "CN=NVIDIA Device Identity CA, O=NVIDIA" }));
  const identity = await certify({
    ...ca,
    subject: `CN=NVIDIA ${chip.identity} Identity, ${OWNER}`,
    issuer: top,
  });
  const provisioner = await certify({
    ...ca,
    subject: `CN=NVIDIA ${chip.device} Provisioner ICA 1, ${OWNER}, C=US`,
    issuer: identity,
  });
  const issuers = [provisioner, identity, top];
  const responders = await Promise.all(issuers.map((issuer) => makeOcspSigner(issuer, validity)));
  return { architecture, root: top, identity, provisioner, responders };
}

/** A name for a device, hex. */
export function randomPdi(): string {
  return encodeHex(crypto.getRandomValues(new Uint8Array(8)));
}

/**
 * Certifies a new GPU or switch whose attestation key stands for the firmware `fwid` (48 bytes).
 * @example
 * ```ts
 * import { makeGpuIdentity, makeVendors } from "touchstone/testing";
 * const { nvidia } = await makeVendors(new Date());
 * const validity = { notBefore: new Date("2026-01-01"), notAfter: new Date("2030-01-01") };
 * const identity = await makeGpuIdentity(nvidia, { ...validity, fwid: null });
 * ```
 */
export async function makeGpuIdentity(
  authority: NvidiaAuthority,
  fields: Validity & {
    readonly fwid: Uint8Array | null;
    /** Random when absent. */
    readonly pdi?: string;
  },
): Promise<GpuIdentity> {
  const { architecture, root, identity, provisioner } = authority;
  const { fwid, pdi = randomPdi(), ...validity } = fields;
  const { device: chip, core } = CHIP[architecture];
  const common = { curve: "P-384", ...validity } as const;
  const bootRom = await certify({
    ...common,
    subject: `CN=${chip} A01 ${core} BROM, ${OWNER}, C=US`,
    serial: `${architecture === "ls10" ? "50" : "41"}${pdi}`,
    ca: true,
    issuer: provisioner,
  });
  const attestation = await certify({
    ...common,
    subject: `CN=${chip} A01 ${core} FMC LF, ${OWNER}, C=US`,
    ca: false,
    issuer: bootRom,
    extensions: fwid === null ? [] : [fwidExtension(architecture, bootRom.spki, fwid)],
  });
  const chain = [attestation, bootRom, provisioner, identity, root];
  return { architecture, bootRom, attestation, chain, fwid, pdi };
}

function fwidExtension(architecture: Architecture, deviceKey: Uint8Array, fwid: Uint8Array): Extension {
  const digest = sequence(oid(SHA384), octetString(fwid));
  const composite = architecture === "hopper" || architecture === "ls10";
  const value = composite ? sequence(encodeInteger(1), deviceKey, digest) : diceTcbInfo(digest);
  const id = composite ? COMPOSITE_DEVICE_ID : DICE_TCB_INFO;
  return new Extension(id, false, Uint8Array.from(value));
}

/** DiceTcbInfo as Blackwell writes it: the first FWID counts, the second is zero. */
function diceTcbInfo(digest: Uint8Array): Uint8Array {
  const zero = sequence(oid(SHA384), octetString(new Uint8Array(48)));
  return sequence(
    contextPrimitive(0, utf8("NVIDIA")),
    contextPrimitive(1, utf8("GB100 A01 GSP")),
    contextPrimitive(2, utf8("01")),
    contextPrimitive(3, Uint8Array.of(1)),
    contextPrimitive(4, Uint8Array.of(0)),
    contextPrimitive(5, Uint8Array.of(0)),
    context(6, digest, zero),
    contextPrimitive(7, Uint8Array.of(0, 0x80, 0, 0, 1)),
    contextPrimitive(8, Uint8Array.of(0xc0)),
    contextPrimitive(9, Uint8Array.of(0)),
  );
}

export interface NvidiaCrlFields {
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** Serial numbers, hex; each goes onto every list, and means something only on its issuer's. */
  readonly revoked?: readonly string[];
}

/**
 * The CRLs of the root, the identity CA and the provisioner, DER, in this order.
 * @example
 * ```ts
 * import { makeNvidiaCrls, makeVendors } from "touchstone/testing";
 * const { nvidia } = await makeVendors(new Date());
 * const crls = await makeNvidiaCrls(nvidia, { thisUpdate: new Date(), nextUpdate: new Date(Date.now() + 86_400_000) });
 * ```
 */
export function makeNvidiaCrls(authority: NvidiaAuthority, fields: NvidiaCrlFields): Promise<Uint8Array[]> {
  const issuers = [authority.root, authority.identity, authority.provisioner];
  return Promise.all(issuers.map((issuer) => makeCrl({ issuer, ...fields })));
}
