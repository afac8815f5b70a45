// Finds evidence in an X.509 certificate, in the forms in use. A certificate must hold exactly one form: who takes the first that verifies
// lets the attacker choose.
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { MalformedError, PolicyError } from "../../protocol/errors.ts";
import { type Evidence, parseEvidence } from "../evidence.ts";
import { derOctets, readDer } from "../x509/der.ts";
import { parseEvidenceWrapper } from "./cmw.ts";
import { parseContrastEvidence } from "./contrast.ts";
import { parseDiceEvidence } from "./dice.ts";
import { parseDstackAttestation } from "./dstack.ts";
import { isAttestedTlsMessage, parseAttestedTlsMessage } from "./flashbots.ts";
import { parseRaTlsCertificate, type RaTlsCertificate } from "./ra-tls-certificate.ts";

const FORMAT = "RA-TLS certificate";

/** Extension ids as DER has them, hex. */
const OID = {
  /** 1.3.6.1.5.5.7.1.35, id-pe-cmw */
  wrapper: "2b06010505070123",
  /** 2.23.133.5.4.9 */
  dice: "678105050409",
  /** 0.6.9.42.840.113741.1337.6: Gramine means 1.2.840.113741.1337.6 and encodes it so on purpose. */
  gramine: "06092a864886f84d8a3906",
  /** 1.2.840.113741.1.13.1, which Intel's SGX SDK uses for a quote although it is the PCK certificate's extension */
  intelSgxSdk: "2a864886f84d010d01",
  /** 1.2.840.113556.10.1.2 and 1.3.6.1.4.1.311.105.2 */
  openEnclave: "2a864886f7140a0102",
  openEnclaveNew: "2b0601040182376902",
  /** 1.3.6.1.4.1.62397.1.1, .2 and .8 */
  dstackQuote: "2b0601040183e73d0101",
  dstackEventLog: "2b0601040183e73d0102",
  dstackAttestation: "2b0601040183e73d0108",
  /** 1.3.9901.2.2 */
  contrast: "2bcd2d0202",
} as const;

type Found =
  | {
      readonly form: "touchstone-ra-tls/v1";
      readonly quote: Uint8Array;
      readonly evidence: Evidence;
      /** The bytes of evidence.json. */
      readonly document: Uint8Array;
    }
  | { readonly form: "ccc-ra-tls"; readonly quote: Uint8Array; readonly claims: Uint8Array }
  | { readonly form: "dstack-ratls"; readonly quote: Uint8Array; readonly eventLog: Uint8Array | null }
  | {
      readonly form: "flashbots-atls" | "contrast-atls" | "gramine-ra-tls" | "intel-sgx-sdk" | "open-enclave";
      readonly quote: Uint8Array;
    };

/** The evidence of a certificate, by form, with what the binding of some forms also covers. Nothing in it is verified. */
export type CertificateEvidence = Found & Omit<RaTlsCertificate, "extensions">;
export type CertificateForm = Found["form"];

/** The code of evidence that is well-formed and of another TEE. */
export type RaTlsPolicyCode = "not-a-tdx-quote";

/**
 * Reads the evidence from a DER certificate. The certificate's own signature and names are not looked at: the quote vouches for its key.
 *
 * `touchstone-ra-tls/v1` is a non-critical extension id-pe-cmw (1.3.6.1.5.5.7.1.35) that wraps `evidence.json`, byte for byte, with
 * REPORTDATA by `touchstone-binding/v1` over this certificate's SubjectPublicKeyInfo. TLS stacks refuse certificates of more than
 * 100 KiB: the evidence of a machine with many GPUs is served as a file instead, and bound to the same key.
 * @throws MalformedError when there is no form or more than one, and when the form is not well-formed.
 */
export function readCertificateEvidence(der: Uint8Array): CertificateEvidence {
  const { extensions, ...certificate } = parseRaTlsCertificate(der);
  const present = FORMS.filter(([id]) => extensions.has(id));
  const standard = present.find(([id]) => id === OID.dice);
  // Gramine and Intel's SDK add their older form to the standard one. The standard one decides, and there is no way back from it.
  const companions = standard === undefined ? [] : present.filter(([id]) => COMPANIONS.has(id));
  const forms = present.filter((form) => !companions.includes(form));
  const [form, another] = forms;
  if (form === undefined) throw new MalformedError(FORMAT, "no form of attestation evidence is in it");
  if (another !== undefined) throw new MalformedError(FORMAT, "more than one form of attestation evidence");
  const [id, read] = form;
  return { ...certificate, ...read(extensions.get(id) ?? new Uint8Array(), extensions) };
}

type Extensions = ReadonlyMap<string, Uint8Array>;
type ReadForm = (value: Uint8Array, extensions: Extensions) => Found;

const FORMS: ReadonlyArray<readonly [id: string, read: ReadForm]> = [
  [OID.wrapper, readTouchstone],
  [OID.dice, (value) => ({ form: "ccc-ra-tls", ...parseDiceEvidence(value) })],
  [OID.gramine, (quote) => ({ form: "gramine-ra-tls", quote })],
  [OID.intelSgxSdk, (quote) => ({ form: "intel-sgx-sdk", quote })],
  [OID.openEnclave, (quote) => ({ form: "open-enclave", quote })],
  [OID.openEnclaveNew, (quote) => ({ form: "open-enclave", quote })],
  [OID.dstackQuote, readDstackQuote],
  [OID.dstackAttestation, (value) => dstackOrFlashbots(parseDstackAttestation(innerOctets(value)))],
  [OID.contrast, (value) => ({ form: "contrast-atls", quote: parseContrastEvidence(value) })],
];
const COMPANIONS: ReadonlySet<string> = new Set([OID.gramine, OID.intelSgxSdk]);

function readTouchstone(value: Uint8Array): Found {
  const document = parseEvidenceWrapper(value);
  const evidence = parseEvidence(document);
  return { form: "touchstone-ra-tls/v1", quote: evidence.tdx.quote, evidence, document };
}

function readDstackQuote(value: Uint8Array, extensions: Extensions): Found {
  const log = extensions.get(OID.dstackEventLog);
  const eventLog = log === undefined ? null : innerOctets(log);
  return dstackOrFlashbots({ quote: innerOctets(value), eventLog });
}

/** Flashbots uses dstack's containers with a JSON message for a quote. */
function dstackOrFlashbots({ quote, eventLog }: { quote: Uint8Array; eventLog: Uint8Array | null }): Found {
  if (!isAttestedTlsMessage(quote)) return { form: "dstack-ratls", quote, eventLog };
  return { form: "flashbots-atls", quote: parseAttestedTlsMessage(quote) };
}

/** dstack wraps its content in an OCTET STRING of its own, inside the extension's. */
function innerOctets(value: Uint8Array): Uint8Array {
  return derOctets(readDer(value));
}

/**
 * The quote, when it is one of a TDX machine.
 * @throws PolicyError "not-a-tdx-quote" for SGX, the only TEE that some forms know, and for anything too short to tell.
 */
export function tdxQuoteOf(evidence: CertificateEvidence): Uint8Array {
  const { quote, form } = evidence;
  const [version, high, , , ...teeType] = quote.subarray(0, 8);
  const tdx =
    (version === 4 || version === 5) && high === 0 && encodeHex(Uint8Array.from(teeType)) === "81000000";
  if (tdx) return quote;
  throw new PolicyError<RaTlsPolicyCode>(
    "not-a-tdx-quote",
    `the ${form} evidence holds no TDX quote: SGX is not supported`,
  );
}
