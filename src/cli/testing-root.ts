// Reads roots that are trusted instead of the vendors' own, with a warning that nobody overlooks.
import { decodeUtf8 } from "../protocol/encoding/text.ts";
import { parseCertificate } from "../verifier/x509/certificate.ts";
import { parsePemCertificates } from "../verifier/x509/pem.ts";
import type { CliContext } from "./context.ts";
import { readOwn } from "./files.ts";
import { OWNER, type Vendor } from "./testing-root-options.ts";

/** The DER of a testing root, with a warning that nobody overlooks; undefined where none was given. */
export function readTestingRoot(
  vendor: Vendor,
  path: string | undefined,
  context: CliContext,
): Uint8Array | undefined {
  if (path === undefined) return undefined;
  const der = readOwn(path, readCertificate);
  context.warn(
    `WARNING: ${path} is trusted instead of ${OWNER[vendor]} root. Whoever holds its key can make any evidence pass. For tests only.`,
  );
  return der;
}

function readCertificate(bytes: Uint8Array): Uint8Array {
  const pem = bytes[0] === "-".charCodeAt(0);
  const [certificate] = pem ? parsePemCertificates(decodeUtf8(bytes), 1) : [parseCertificate(bytes)];
  if (certificate === undefined) throw new TypeError("parsePemCertificates gives as many as were asked for");
  return certificate.der;
}
