// Verifies an XML Signature (W3C XMLDSig 1.1) under the one profile of NVIDIA's RIMs: enveloped, over the whole document, Canonical XML
// 1.1, ECDSA P-384 with SHA-384 and raw r‖s (RFC 6931 §2.3.6). What was signed is parsed again from the signed bytes, and nothing else is
// believed.
import type { Element } from "@xmldom/xmldom";
import { sha384 } from "../../protocol/cryptography/hash.ts";
import { importPublicKey, verifySignature } from "../../protocol/cryptography/signature.ts";
import { decodeBase64 } from "../../protocol/encoding/base64.ts";
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { MalformedError, VerificationError } from "../../protocol/errors.ts";
import { type Certificate, parseCertificate } from "../../verifier/x509/certificate.ts";
import { canonicalXml } from "./canonical-xml.ts";
import { attributeOf, childElements, isElement, parseXml, textOf } from "./parse-xml.ts";
import type { RimCode } from "./rim-code.ts";

const FORMAT = "XML signature";
const DSIG = "http://www.w3.org/2000/09/xmldsig#";
const C14N_1_1 = "http://www.w3.org/2006/12/xml-c14n11";
const ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const ECDSA_SHA384 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384";
const SHA384 = "http://www.w3.org/2001/04/xmldsig-more#sha384";
const MAX_CERTIFICATES = 8;

/** A document split into what is signed and what signs it. */
export interface SignedXml {
  /** Canonical bytes of the document without its signature. */
  readonly content: Uint8Array;
  /** Canonical bytes of SignedInfo. */
  readonly signedInfo: Uint8Array;
  readonly signatureValue: Uint8Array;
  /** Certificates of KeyInfo as they stand, signer first. */
  readonly certificates: readonly Certificate[];
}

/**
 * Takes the one signature out of a document. Nothing is verified yet.
 * @throws MalformedError when there is no signature, more than one, one that is not the root's child, or one outside the profile.
 */
export function parseSignedXml(bytes: Uint8Array): SignedXml {
  const root = parseXml(bytes);
  const [signature, ...others] = [...root.getElementsByTagNameNS("*", "Signature")];
  if (signature === undefined || others.length > 0 || signature.parentNode !== root) {
    throw new MalformedError(FORMAT, "expected one signature, directly under the root element");
  }
  const [signedInfo, value, keyInfo] = children(signature, "Signature", [
    "SignedInfo",
    "SignatureValue",
    "KeyInfo",
  ]) as [Element, Element, Element];
  const canonicalInfo = canonicalXml(signedInfo);
  const signatureValue = base64Of(value);
  const certificates = readCertificates(keyInfo);
  root.removeChild(signature);
  return { content: canonicalXml(root), signedInfo: canonicalInfo, signatureValue, certificates };
}

/**
 * Verifies the signature under the first embedded certificate. Whose certificate that is must be checked separately.
 * @returns the root element of the signed content.
 * @throws VerificationError "xml-signature", or MalformedError for a SignedInfo outside the profile.
 */
export async function verifySignedXml(signed: SignedXml, signer: Certificate): Promise<Element> {
  const key = await importPublicKey(signer.spki);
  if (
    key.algorithm !== "ecdsa-p384-sha384" ||
    !(await verifySignature(key, signed.signedInfo, signed.signatureValue))
  ) {
    throw new VerificationError<RimCode>(
      "xml-signature",
      `SignedInfo is not signed by the P-384 key of "${signer.commonName}"`,
    );
  }
  const digest = readSignedInfo(parseXml(signed.signedInfo));
  if (!equalBytes(digest, sha384(signed.content))) {
    throw new VerificationError<RimCode>(
      "xml-signature",
      "the document does not have the digest that was signed",
    );
  }
  return parseXml(signed.content);
}

/** The digest that a SignedInfo of the profile states. */
function readSignedInfo(signedInfo: Element): Uint8Array {
  const [canonicalization, signature, reference] = children(signedInfo, "SignedInfo", [
    "CanonicalizationMethod",
    "SignatureMethod",
    "Reference",
  ]) as [Element, Element, Element];
  requireAlgorithm(canonicalization, C14N_1_1);
  requireAlgorithm(signature, ECDSA_SHA384);
  const [transforms, method, value] = children(reference, "Reference", [
    "Transforms",
    "DigestMethod",
    "DigestValue",
  ]) as [Element, Element, Element];
  requireOnlyAttribute(reference, "URI", "");
  const [enveloped, canonical] = children(transforms, "Transforms", ["Transform", "Transform"]) as [
    Element,
    Element,
  ];
  requireAlgorithm(enveloped, ENVELOPED);
  requireAlgorithm(canonical, C14N_1_1);
  requireAlgorithm(method, SHA384);
  return base64Of(value);
}

/** The children of a signature element: exactly these, in this order. */
function children(element: Element, name: string, names: readonly string[]): Element[] {
  const found = childElements(element);
  const expected = found.every((child, i) => isElement(child, DSIG, names[i] ?? ""));
  if (isElement(element, DSIG, name) && expected && found.length === names.length) return found;
  throw new MalformedError(FORMAT, `${name} must hold ${names.join(", ")} and nothing else`);
}

function requireAlgorithm(element: Element, algorithm: string): void {
  requireOnlyAttribute(element, "Algorithm", algorithm);
  if (childElements(element).length > 0)
    throw new MalformedError(FORMAT, `${element.localName} has parameters`);
}

function requireOnlyAttribute(element: Element, name: string, value: string): void {
  const others = [...element.attributes].filter(
    (a) => a.prefix !== "xmlns" && a.name !== "xmlns" && a.name !== name,
  );
  if (attributeOf(element, name) === value && others.length === 0) return;
  throw new MalformedError(
    FORMAT,
    `${element.localName} must have ${name}="${value}" and no other attribute`,
  );
}

function readCertificates(keyInfo: Element): Certificate[] {
  const [data, ...others] = childElements(keyInfo);
  const list = data === undefined ? [] : childElements(data);
  const expected = list.every((child) => isElement(child, DSIG, "X509Certificate"));
  if (!data || others.length > 0 || !isElement(data, DSIG, "X509Data") || !expected) {
    throw new MalformedError(FORMAT, "KeyInfo must hold X509Data with certificates and nothing else");
  }
  if (list.length < 1 || list.length > MAX_CERTIFICATES)
    throw new MalformedError(FORMAT, `${list.length} certificates`);
  return list.map((element) => parseCertificate(base64Of(element)));
}

/** Base64 in lines, as XML tools write it. */
function base64Of(element: Element): Uint8Array {
  return decodeBase64(textOf(element).replaceAll("\n", ""));
}
