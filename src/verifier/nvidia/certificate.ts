// X.509 certificates (RFC 5280 §4) as typed values: what path validation and NVIDIA's rules look at, parsed once from strict DER.
import { AsnConvert } from "@peculiar/asn1-schema";
import * as x509 from "@peculiar/asn1-x509";
import { decodeBase64 } from "../../protocol/encoding/base64.ts";
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { onlyElement } from "./der.ts";

const FORMAT = "certificate";
const MAX_CERTIFICATE_BYTES = 8 * 1024;
const MAX_CERTIFICATES = 8;

export interface Certificate {
  readonly der: Uint8Array;
  /** The bytes that the issuer signed. */
  readonly tbs: Uint8Array;
  /** OID of the signature algorithm, the same inside and outside `tbs`. */
  readonly algorithm: string;
  /** Signature in its DER form. */
  readonly signature: Uint8Array;
  /** Serial number, hex of its DER content. */
  readonly serial: string;
  /** RFC 4514 text, most specific first. */
  readonly subject: string;
  readonly commonName: string;
  /** DER of the names, for comparing. */
  readonly subjectDer: Uint8Array;
  readonly issuerDer: Uint8Array;
  /** DER of the SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly ca: boolean;
  readonly pathLength: number;
  readonly keyUsage: readonly x509.KeyUsageType[];
  readonly extendedKeyUsage: readonly string[];
  /** Extension values by OID. */
  readonly extensions: ReadonlyMap<string, Uint8Array>;
  readonly criticalExtensions: readonly string[];
}

/**
 * Reads an ASN.1 structure that fills its input.
 * @param read makes a typed value of it.
 * @throws MalformedError whatever the ASN.1 library throws, while parsing or while its fields are looked at.
 */
export function readAsn1<T, Value>(
  der: Uint8Array,
  type: new () => T,
  format: string,
  read: (parsed: T) => Value,
): Value {
  onlyElement(der, 0x30, format);
  try {
    return read(AsnConvert.parse(Uint8Array.from(der), type));
  } catch (error) {
    if (error instanceof MalformedError) throw error;
    throw new MalformedError(format, "not of its ASN.1 structure");
  }
}

/** Parses one certificate of at most 8 KiB. @throws MalformedError */
export function parseCertificate(der: Uint8Array): Certificate {
  if (der.length > MAX_CERTIFICATE_BYTES)
    throw new MalformedError(FORMAT, `longer than ${MAX_CERTIFICATE_BYTES} bytes`);
  return readAsn1(der, x509.Certificate, FORMAT, (parsed) => {
    // A certificate is named by its digest, so it must have one encoding: DER, where the library also reads BER.
    if (!equalBytes(der, new Uint8Array(AsnConvert.serialize(parsed))))
      throw new MalformedError(FORMAT, "not DER");
    return describeCertificate(der, parsed);
  });
}

function describeCertificate(der: Uint8Array, parsed: x509.Certificate): Certificate {
  const { tbsCertificate: tbs, tbsCertificateRaw: raw } = parsed;
  const algorithm = parsed.signatureAlgorithm.algorithm;
  if (raw === undefined || tbs.signature.algorithm !== algorithm) {
    throw new MalformedError(FORMAT, "the signature algorithm differs inside and outside");
  }
  const list = tbs.extensions ?? [];
  const extensions = new Map(list.map((e) => [e.extnID, new Uint8Array(e.extnValue.buffer)]));
  if (extensions.size !== list.length) throw new MalformedError(FORMAT, "an extension appears twice");
  const constraints = extension(extensions, x509.id_ce_basicConstraints, x509.BasicConstraints);
  return {
    der,
    tbs: new Uint8Array(raw),
    algorithm,
    signature: new Uint8Array(parsed.signatureValue),
    serial: encodeHex(new Uint8Array(tbs.serialNumber)),
    subject: describeName(tbs.subject),
    commonName: attribute(tbs.subject, "2.5.4.3"),
    subjectDer: new Uint8Array(AsnConvert.serialize(tbs.subject)),
    issuerDer: new Uint8Array(AsnConvert.serialize(tbs.issuer)),
    spki: new Uint8Array(AsnConvert.serialize(tbs.subjectPublicKeyInfo)),
    notBefore: finite(tbs.validity.notBefore.getTime()),
    notAfter: finite(tbs.validity.notAfter.getTime()),
    ca: constraints?.cA ?? false,
    pathLength: constraints?.pathLenConstraint ?? Number.POSITIVE_INFINITY,
    keyUsage: extension(extensions, x509.id_ce_keyUsage, x509.KeyUsage)?.toJSON() ?? [],
    extendedKeyUsage: [...(extension(extensions, x509.id_ce_extKeyUsage, x509.ExtendedKeyUsage) ?? [])],
    extensions,
    criticalExtensions: list.filter((e) => e.critical).map((e) => e.extnID),
  };
}

function extension<T>(
  extensions: ReadonlyMap<string, Uint8Array>,
  id: string,
  type: new () => T,
): T | undefined {
  const value = extensions.get(id);
  return value === undefined ? undefined : AsnConvert.parse(Uint8Array.from(value), type);
}

export function finite(date: Date): Date {
  if (Number.isFinite(date.getTime())) return date;
  throw new MalformedError(FORMAT, "a time is not a time");
}

const SHORT_NAMES: Readonly<Record<string, string>> = {
  "2.5.4.3": "CN",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
};

function describeName(name: x509.Name): string {
  const parts = [...name]
    .reverse()
    .map((rdn) =>
      [...rdn]
        .map(
          ({ type, value }) =>
            `${SHORT_NAMES[type] ?? type}=${String(value).replace(/[,+"\\<>;=]/g, "\\$&")}`,
        )
        .join("+"),
    );
  return parts.join(",");
}

function attribute(name: x509.Name, type: string): string {
  const values = [...name].flatMap((rdn) => [...rdn]).filter((part) => part.type === type);
  return values.length === 1 ? String(values[0]?.value) : "";
}

const PEM =
  /-----BEGIN CERTIFICATE-----\r?\n((?:[A-Za-z0-9+/=]{1,76}\r?\n){1,200})-----END CERTIFICATE-----(?:\r?\n|$)/y;

/**
 * Reads one to eight certificates in PEM (RFC 7468), in their order, with nothing else around them.
 * @throws MalformedError
 */
export function parsePemCertificates(text: string): Certificate[] {
  const certificates: Certificate[] = [];
  PEM.lastIndex = 0;
  while (PEM.lastIndex < text.length) {
    const at = PEM.lastIndex;
    const body = PEM.exec(text)?.[1];
    if (body === undefined) throw new MalformedError("PEM", "expected a CERTIFICATE block", at);
    if (certificates.length === MAX_CERTIFICATES)
      throw new MalformedError("PEM", `more than ${MAX_CERTIFICATES}`);
    certificates.push(parseCertificate(decodeBase64(body.replace(/[\r\n]/g, ""))));
  }
  if (certificates.length === 0) throw new MalformedError("PEM", "no certificate");
  return certificates;
}
