// Finds the entry of db with which the firmware verifies a signed image, and which it measures once (edk2 DxeImageVerificationLib; TCG PC
// Client PFP §3.3.4.8; UEFI 2.10 §32.4.1). The first certificate of db from which the signer's leads is it.
import { X509Certificate } from "node:crypto";
import { encodeHex } from "../../../protocol/encoding/hex.ts";
import { formatGuid, GUID_LENGTH } from "../formats/efi-guid.ts";
import { measureVariable } from "../formats/efi-signature-list.ts";
import type { PeImage } from "../formats/pe.ts";
import { readSignerChains, type SignerChain } from "../formats/pe-signatures.ts";
import { type ComputedEvent, known, unknown } from "./computed-event.ts";

const X509 = "a5c059a1-94e4-4aa7-87b5-ab155c2bf072";
const LIST_HEADER = 28;
const TYPE = "EV_EFI_VARIABLE_AUTHORITY";
const MAX_CHAIN = 8;

/** The event of RTMR0 for an image that is verified with `db`, the variable's content. */
export async function measureAuthority(image: PeImage, db: Uint8Array): Promise<ComputedEvent> {
  const chains = await readSignerChains(image);
  if (chains.length === 0) return unknown("rtmr0", TYPE, `${image.file.path} carries no signature`);
  const entries = [...signatureData(db)];
  if (entries.some(({ type }) => type !== X509))
    return unknown(
      "rtmr0",
      TYPE,
      "db holds more than X.509 certificates, and which entry counts is not foreseen",
    );
  for (const chain of chains) {
    const entry = entries.find(({ data }) => leadsTo(chain, data.subarray(GUID_LENGTH)));
    if (entry === undefined) continue;
    const { eventSha384 } = measureVariable("db", entry.data);
    return known("rtmr0", TYPE, "file", eventSha384, "the entry of db that verifies the image");
  }
  return unknown("rtmr0", TYPE, `no certificate of db leads to the signer of ${image.file.path}`);
}

/** Every EFI_SIGNATURE_DATA of the lists, owner first. The lists were checked when the variable was read, or end where they do not fit. */
function* signatureData(lists: Uint8Array): Generator<{ type: string; data: Uint8Array }> {
  const view = new DataView(lists.buffer, lists.byteOffset, lists.length);
  for (let at = 0; at + LIST_HEADER <= lists.length; ) {
    const [size, header, entry] = [16, 20, 24].map((offset) => view.getUint32(at + offset, true)) as [
      number,
      number,
      number,
    ];
    if (size < LIST_HEADER || at + size > lists.length || entry <= GUID_LENGTH) return;
    const type = formatGuid(lists.subarray(at, at + GUID_LENGTH));
    for (let from = at + LIST_HEADER + header; from + entry <= at + size; from += entry)
      yield { type, data: lists.subarray(from, from + entry) };
    at += size;
  }
}

/** Whether the signer is this certificate, or was issued under it by way of the certificates that the signature carries. */
function leadsTo({ signer, others }: SignerChain, certificate: Uint8Array): boolean {
  try {
    const trusted = new X509Certificate(certificate);
    let current = new X509Certificate(signer);
    for (let depth = 0; depth < MAX_CHAIN; depth++) {
      if (encodeHex(current.raw) === encodeHex(trusted.raw)) return true;
      if (current.checkIssued(trusted) && current.verify(trusted.publicKey)) return true;
      const issuer = others.map((der) => new X509Certificate(der)).find((other) => isIssuer(current, other));
      if (issuer === undefined) return false;
      current = issuer;
    }
  } catch {
    // A certificate that cannot be read verifies nothing.
  }
  return false;
}

function isIssuer(certificate: X509Certificate, issuer: X509Certificate): boolean {
  const itself = encodeHex(certificate.raw) === encodeHex(issuer.raw);
  return !itself && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}
