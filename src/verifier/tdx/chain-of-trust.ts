// Verifies the signatures between Intel's root and a quote: TCB signing key over collateral, PCK over the quoting enclave's report,
// attestation key over the quote (Intel TDX DCAP Quote Verification Library; PCK Certificate and CRL Profile Specification §1).
import { importPublicKey, verifySignature } from "../../protocol/cryptography/signature.ts";
import { concatBytes, equalBytes } from "../../protocol/encoding/bytes.ts";
import { decodeHex } from "../../protocol/encoding/hex.ts";
import { utf8 } from "../../protocol/encoding/text.ts";
import { MalformedError, VerificationError } from "../../protocol/errors.ts";
import { BASIC_CONSTRAINTS, type Certificate, p256KeyOf, sameAuthority } from "../x509/certificate.ts";
import { type RevocationList, requireNotRevoked, verifyCrl } from "../x509/crl.ts";
import { requireIssued, requirePath, requireRole } from "../x509/path.ts";
import type { X509Code } from "../x509/x509-code.ts";
import type { TdxCollateral } from "./collateral.ts";
import { type CertificateChain, parsePemChain, requireCommonName } from "./pki.ts";
import { type EnclaveReport, parseEnclaveReport } from "./qe.ts";
import type { TdxQuote } from "./quote.ts";
import { SGX_EXTENSION } from "./sgx-extension.ts";
import type { TdxCode } from "./tdx-code.ts";

const TCB_SIGNING = "Intel SGX TCB Signing";
const PCK_CAS = ["Intel SGX PCK Platform CA", "Intel SGX PCK Processor CA"];
const PCK = "Intel SGX PCK Certificate";
const P256_POINT_PREFIX = decodeHex("3059301306072a8648ce3d020106082a8648ce3d03010703420004");

/** Collateral with its certificates read and its binary fields decoded; nothing in it is verified. */
export interface OpenedCollateral {
  readonly tcbInfo: SignedDocument;
  readonly qeIdentity: SignedDocument;
  readonly rootCrl: Uint8Array;
  readonly pckCrl: Uint8Array;
  readonly pckCrlChain: CertificateChain<2>;
}

export interface SignedDocument {
  readonly text: string;
  /** r‖s, 64 bytes. */
  readonly signature: Uint8Array;
  readonly chain: CertificateChain<2>;
}

/** @throws MalformedError */
export function openCollateral(collateral: TdxCollateral): OpenedCollateral {
  const { tcbInfo, tcbInfoSignature, tcbInfoIssuerChain } = collateral;
  const { qeIdentity, qeIdentitySignature, qeIdentityIssuerChain } = collateral;
  const document = (text: string, signature: string, chain: string): SignedDocument => ({
    text,
    signature: decodeHex(signature),
    chain: parsePemChain(chain, 2),
  });
  return {
    tcbInfo: document(tcbInfo, tcbInfoSignature, tcbInfoIssuerChain),
    qeIdentity: document(qeIdentity, qeIdentitySignature, qeIdentityIssuerChain),
    rootCrl: decodeHex(collateral.rootCaCrl),
    pckCrl: decodeHex(collateral.pckCrl),
    pckCrlChain: parsePemChain(collateral.pckCrlIssuerChain, 2),
  };
}

/** Every chain of the collateral must end in the pinned root, byte for byte. @throws VerificationError */
export function requirePinnedRoot(collateral: OpenedCollateral, root: Certificate): Certificate {
  const chains = [collateral.tcbInfo.chain, collateral.qeIdentity.chain, collateral.pckCrlChain];
  for (const [, last] of chains) requireSameRoot(last, root);
  return root;
}

function requireSameRoot(last: Certificate, root: Certificate): void {
  if (!equalBytes(last.der, root.der)) {
    throw new VerificationError<TdxCode>(
      "root",
      `a chain ends in "${last.commonName}", which is not the pinned root`,
    );
  }
}

/**
 * TCB Info or QE identity: signed, over its raw text, by Intel's TCB signing key, which the root issued and has not revoked.
 * @returns the signer's certificate.
 * @throws VerificationError
 */
export async function verifyDocument(
  { text, signature, chain: [signer] }: SignedDocument,
  root: Certificate,
  rootCrl: RevocationList,
): Promise<Certificate> {
  requireCommonName(signer, TCB_SIGNING);
  requireBasicConstraints(signer);
  await requirePath([signer, root]);
  requireNotRevoked(signer, rootCrl);
  if (!(await verifySignature(await p256KeyOf(signer), utf8(text), signature))) {
    throw new VerificationError<TdxCode>(
      "document-signature",
      "the document's signature does not hold; fetch it again, unchanged",
    );
  }
  return signer;
}

/** The CRL of the CA that issues PCK certificates. Whether that CA is revoked is asked with the PCK. @throws VerificationError */
export async function verifyPckCrl(
  { pckCrl, pckCrlChain: [ca] }: OpenedCollateral,
  root: Certificate,
): Promise<RevocationList> {
  requireCommonName(ca, ...PCK_CAS);
  requireRole(ca, "ca");
  await requireIssued(ca, root, 1);
  return verifyCrl(pckCrl, ca);
}

/** The quote's own chain: PCK certificate, Platform or Processor CA, pinned root. @throws VerificationError */
export async function verifyPckChain(pem: string, root: Certificate): Promise<CertificateChain<3>> {
  const chain = parsePemChain(pem, 3);
  const [pck, ca, last] = chain;
  requireSameRoot(last, root);
  requireCommonName(ca, ...PCK_CAS);
  requireCommonName(pck, PCK);
  requireBasicConstraints(pck);
  await requirePath([pck, ca, root]);
  return chain;
}

/** Intel's profile wants the extension in leaves too, where RFC 5280 does not (PCK Certificate and CRL Profile Specification §1.3.5). */
function requireBasicConstraints({ extensions, commonName }: Certificate): void {
  if (!extensions.has(BASIC_CONSTRAINTS))
    throw new VerificationError<X509Code>("usage", `"${commonName}" does not say whether it is a CA`);
}

/** Neither the PCK nor the CAs above it are on the list of their issuer. @throws VerificationError */
export function requirePckNotRevoked(
  [pck, ca]: CertificateChain<3>,
  pckCrl: RevocationList,
  rootCrl: RevocationList,
): void {
  if (!sameAuthority(pckCrl.issuer, ca)) {
    throw new VerificationError<X509Code>(
      "crl-issuer",
      `the PCK CRL is by "${pckCrl.issuer.commonName}", but "${ca.commonName}" issued the PCK; fetch that CA's CRL`,
    );
  }
  requireNotRevoked(ca, rootCrl);
  requireNotRevoked(pckCrl.issuer, rootCrl);
  requireNotRevoked(pck, pckCrl);
}

/** The value of the SGX extension. @throws MalformedError when there is none. */
export function sgxExtensionOf({ extensions }: Certificate): Uint8Array {
  const value = extensions.get(SGX_EXTENSION);
  if (value === undefined) throw new MalformedError("PCK certificate", "it has no SGX extension");
  return value;
}

/** The quoting enclave's report, signed by the PCK. @throws VerificationError */
export async function verifyQeReport(quote: TdxQuote, [pck]: CertificateChain<3>): Promise<EnclaveReport> {
  if (!(await verifySignature(await p256KeyOf(pck), quote.qeReport, quote.qeReportSignature))) {
    throw new VerificationError<TdxCode>(
      "qe-report-signature",
      "the QE report is not signed by the PCK in the quote",
    );
  }
  return parseEnclaveReport(quote.qeReport);
}

/** Header and body, signed by the attestation key. @throws VerificationError */
export async function verifyQuoteSignature(quote: TdxQuote): Promise<void> {
  const key = await importPublicKey(concatBytes(P256_POINT_PREFIX, quote.attestationKey));
  if (!(await verifySignature(key, quote.signedBytes, quote.signature))) {
    throw new VerificationError<TdxCode>(
      "quote-signature",
      "header or body of the quote were changed after signing",
    );
  }
}
