// Certificate revocation lists (RFC 5280 §5): complete lists of one issuer. Delta and partitioned lists mark themselves critical and are refused.
import { AsnConvert } from "@peculiar/asn1-schema";
import { CertificateList } from "@peculiar/asn1-x509";
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { MalformedError, VerificationError } from "../../protocol/errors.ts";
import { type Certificate, finite, readAsn1 } from "./certificate.ts";
import { isSignedBy, type Signed } from "./certificate-path.ts";
import type { CertificateStatus } from "./ocsp.ts";

const FORMAT = "CRL";
const MAX_CRL_BYTES = 256 * 1024;

export interface RevocationList extends Signed {
  readonly issuerDer: Uint8Array;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | null;
  /** Serial numbers, hex of their DER content. */
  readonly revoked: ReadonlySet<string>;
}

/** Parses a CRL in DER, at most 256 KiB. @throws MalformedError also on a critical extension. */
export function parseCrl(der: Uint8Array): RevocationList {
  if (der.length > MAX_CRL_BYTES) throw new MalformedError(FORMAT, `longer than ${MAX_CRL_BYTES} bytes`);
  return readAsn1(der, CertificateList, FORMAT, readList);
}

function readList(parsed: CertificateList): RevocationList {
  const { tbsCertList: tbs, tbsCertListRaw: raw, signatureAlgorithm } = parsed;
  if (raw === undefined || tbs.signature.algorithm !== signatureAlgorithm.algorithm) {
    throw new MalformedError(FORMAT, "the signature algorithm differs inside and outside");
  }
  if (tbs.crlExtensions?.some(({ critical }) => critical))
    throw new MalformedError(FORMAT, "a critical extension");
  return {
    tbs: new Uint8Array(raw),
    algorithm: signatureAlgorithm.algorithm,
    signature: new Uint8Array(parsed.signature),
    issuerDer: new Uint8Array(AsnConvert.serialize(tbs.issuer)),
    thisUpdate: finite(tbs.thisUpdate.getTime()),
    nextUpdate: tbs.nextUpdate ? finite(tbs.nextUpdate.getTime()) : null,
    revoked: new Set(
      (tbs.revokedCertificates ?? []).map((c) => encodeHex(new Uint8Array(c.userCertificate))),
    ),
  };
}

/**
 * What a CRL says about one certificate; null when another issuer's.
 * @throws VerificationError "crl" when the issuer may not sign CRLs or did not sign this one, or `now` is outside thisUpdate to nextUpdate.
 */
export async function crlStatus(
  list: RevocationList,
  certificate: Certificate,
  issuer: Certificate,
  now: Date,
): Promise<CertificateStatus | null> {
  if (!equalBytes(list.issuerDer, issuer.subjectDer)) return null;
  if (!issuer.keyUsage.includes("crlSign") || !(await isSignedBy(list, issuer))) {
    throw new VerificationError("crl", `the CRL is not signed by "${issuer.subject}"`);
  }
  const { thisUpdate, nextUpdate } = list;
  if (nextUpdate === null || !(thisUpdate <= now && now <= nextUpdate)) {
    const window = `${thisUpdate.toISOString()} to ${nextUpdate?.toISOString() ?? "no stated time"}`;
    throw new VerificationError("crl", `the CRL of "${issuer.subject}" is valid from ${window}`);
  }
  return list.revoked.has(certificate.serial) ? "revoked" : "good";
}
