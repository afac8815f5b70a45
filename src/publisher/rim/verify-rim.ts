// Judges a RIM file at a stated time: the strict profile, the signature, its signer's chain to NVIDIA's pinned RIM root, and what the RIM
// is about. Reading it yields the golden table that a gpu-rim entry logs. Signers live two years, so an old RIM is judged at the time it
// was logged.
import { sha256 } from "../../protocol/cryptography/hash.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { goldenTableDigest } from "../../protocol/entry/golden-table.ts";
import { MalformedError, VerificationError } from "../../protocol/errors.ts";
import { type Check, CheckList } from "../../verifier/check-list.ts";
import { driverRimId } from "../../verifier/nvidia/rim-id.ts";
import { type Certificate, parseCertificate } from "../../verifier/x509/certificate.ts";
import { describeName } from "../../verifier/x509/name.ts";
import { requireIssued, requirePath } from "../../verifier/x509/path.ts";
import { requireValid, windowOfCertificate } from "../../verifier/x509/validity.ts";
import { type RimContent, readRim } from "./read-rim.ts";
import type { RimCode } from "./rim-code.ts";
import { NVIDIA_RIM_ROOT } from "./rim-root.ts";
import { parseSignedXml, verifySignedXml } from "./verify-signature.ts";

const RIM_CHECKS = [
  "rim.format",
  "rim.signature",
  "rim.chain",
  "rim.chain.root",
  "rim.chain.window",
  "rim.content",
  "rim.product",
  "rim.id",
] as const;
type RimCheck = (typeof RIM_CHECKS)[number];

export interface RimOptions {
  /** The time at which the signer's chain must be valid. */
  readonly now: Date;
  /** DER of the root to trust instead of NVIDIA's pinned one, for tests. */
  readonly root?: Uint8Array;
  /** The id under which the file was asked for: NVIDIA's service has answered with a validly signed RIM of something else. */
  readonly rimId?: string;
  /** The chip it is wanted for, such as "GH100". */
  readonly chip?: string;
  /** What it is wanted for: "gpu" when absent. A VBIOS RIM does not say it, but its id does. */
  readonly device?: "gpu" | "switch";
}

export interface RimSigner {
  /** RFC 4514 text. */
  readonly subject: string;
  /** Hex SHA-256 of the certificate's DER. */
  readonly sha256: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export interface Rim extends RimContent {
  /** As given, or made from a driver RIM's content; null for a VBIOS RIM that came without one, since its id is not in it. */
  readonly rimId: string | null;
  /** Hex SHA-256 of the table's RFC 8785 form. */
  readonly tableDigest: string;
  /** Hex SHA-256 of the file: the only name that tells two RIMs of one id apart. */
  readonly fileDigest: string;
  /** Signer first, the pinned root last. */
  readonly signers: readonly RimSigner[];
}

export interface RimResult {
  readonly accepted: boolean;
  readonly checks: readonly Check[];
  /** Null unless every check passed. */
  readonly rim: Rim | null;
}

/**
 * Verifies a RIM (XML, at most 1 MiB) and extracts its golden table. Never throws on a hostile file: what is wrong is a failed check.
 */
export async function verifyRim(xml: Uint8Array, options: RimOptions): Promise<RimResult> {
  const list = new CheckList<RimCheck>(RIM_CHECKS);
  const root = parseCertificate(options.root ?? NVIDIA_RIM_ROOT);
  const signed = await list.attempt("rim.format", () => parseSignedXml(xml));
  if (signed === undefined) return { accepted: false, checks: list.checks, rim: null };
  const path = await checkChain(list, signed.certificates, root, options.now);
  const verified = await list.attempt("rim.signature", () => {
    const [signer] = signed.certificates;
    if (signer === undefined) throw new MalformedError("RIM", "no signer certificate");
    return verifySignedXml(signed, signer);
  });
  const content = verified && (await list.attempt("rim.content", () => readRim(verified)));
  if (content === undefined) return { accepted: false, checks: list.checks, rim: null };
  checkSubject(list, content, options);
  if (!list.accepted) return { accepted: false, checks: list.checks, rim: null };
  const rim: Rim = {
    ...content,
    rimId: options.rimId ?? ownId(content),
    tableDigest: goldenTableDigest(content.table),
    fileDigest: encodeHex(sha256(xml)),
    signers: [...path, root].map(describeSigner),
  };
  return { accepted: true, checks: list.checks, rim };
}

/** The embedded chain with its own root dropped: signer first, to be issued by the pinned root. */
async function checkChain(
  list: CheckList<RimCheck>,
  certificates: readonly Certificate[],
  root: Certificate,
  now: Date,
): Promise<readonly Certificate[]> {
  const path = certificates.slice(0, -1);
  const [signer, ...issuers] = path;
  await list.attempt("rim.chain", async () => {
    if (signer === undefined) throw new VerificationError<RimCode>("rim-chain", "the signer stands alone");
    await requirePath([signer, ...issuers]);
  });
  const last = path.at(-1);
  if (last === undefined) return path;
  await list.attempt("rim.chain.root", () => requireIssued(last, root, path.length - 1));
  const windows = [...path, root].map(windowOfCertificate);
  await list.attempt("rim.chain.window", () => requireValid(windows, now));
  return path;
}

/** Whether the RIM is about what it was wanted for. */
function checkSubject(list: CheckList<RimCheck>, content: RimContent, options: RimOptions): void {
  const { chip, rimId } = options;
  list.equal("rim.product", chip ?? content.product, content.product);
  const own = ownId(content);
  if (fitsId(content, options)) {
    list.pass("rim.id", { actual: rimId ?? own });
  } else {
    const about = `${content.product} ${content.kind} ${content.colloquialVersion}`;
    list.fail("rim.id", {
      ...(rimId && { expected: rimId }),
      actual: own,
      detail: `the RIM is about ${about}`,
    });
  }
}

/** A switch has no driver of its own. */
function fitsId(content: RimContent, { rimId, device = "gpu" }: RimOptions): boolean {
  if (content.kind === "driver") return device === "gpu" && (rimId ?? ownId(content)) === ownId(content);
  if (rimId === undefined) return true;
  const version = content.colloquialVersion.replaceAll(".", "");
  return rimId.startsWith(VBIOS_ID[device]) && rimId.endsWith(`_${version}`);
}

const VBIOS_ID = { gpu: "NV_GPU_VBIOS_", switch: "NV_SWITCH_BIOS_" } as const;

function ownId({ kind, product, colloquialVersion }: RimContent): string | null {
  return kind === "driver" ? driverRimId(product, colloquialVersion) : null;
}

function describeSigner({ subject, der, notBefore, notAfter }: Certificate): RimSigner {
  return { subject: describeName(subject), sha256: encodeHex(sha256(der)), notBefore, notAfter };
}
