// Reads an NVIDIA RIM file to be described: it is verified as `evidence nvidia` verifies it, and its table is stated with the digest of the
// file, because NVIDIA reuses RIM ids for different values.
import { basename } from "node:path";
import { formatTime } from "../../protocol/entry/fields.ts";
import type { SwitchRim } from "../../protocol/entry/kinds/switch-rim.ts";
import type { Subject } from "../../protocol/envelope/statement.ts";
import { MalformedError, VerificationError } from "../../protocol/errors.ts";
import { type Rim, type RimOptions, verifyRim } from "../rim/verify-rim.ts";
import type { DescribeCode } from "./describe-code.ts";
import { withFile } from "./files/random-access.ts";
import { type ReleaseInput, readReleaseFields } from "./release-fields.ts";

const MAX_RIM = 1024 * 1024;

export interface RimInput {
  readonly release: ReleaseInput;
  /** Path of the RIM, XML. */
  readonly rim: string;
  /** Id under which NVIDIA serves it; needed for a VBIOS RIM, which does not hold its own. */
  readonly rimId?: string;
  /** Chip that it must be for, such as "GH100". */
  readonly chip?: string;
  /** Time at which the signer's chain must be valid; stated as `verifiedAt`. */
  readonly verifiedAt: Date;
  /** DER of another root than NVIDIA's, for tests. */
  readonly root?: Uint8Array;
}

/** What the entries of all kinds of RIM state. */
export interface DescribedRim {
  readonly subjects: Subject[];
  readonly covers: Rim["kind"];
  readonly predicate: SwitchRim;
}

/** @throws VerificationError "rim-rejected" naming the first check that failed; MalformedError when no RIM id is known. */
export async function describeRim(
  input: RimInput,
  device: NonNullable<RimOptions["device"]>,
): Promise<DescribedRim> {
  const rim = await readVerifiedRim(input, device);
  if (rim.rimId === null)
    throw new MalformedError(
      `RIM ${input.rim}`,
      "a VBIOS RIM does not hold its id; say under which id it was fetched",
    );
  const subjects: Subject[] = [{ name: basename(input.rim), digest: { sha256: rim.fileDigest } }];
  const predicate = {
    ...(await readReleaseFields(input.release, subjects)),
    rim: {
      id: rim.rimId,
      tagId: rim.tagId,
      componentVersion: rim.colloquialVersion,
      sha256: rim.fileDigest,
      product: rim.product,
    },
    tableDigest: rim.tableDigest,
    table: rim.table,
    signers: rim.signers.map(({ subject, sha256, notBefore, notAfter }) => ({
      subject,
      sha256,
      notBefore: formatTime(notBefore),
      notAfter: formatTime(notAfter),
    })),
    verifiedAt: formatTime(input.verifiedAt),
  };
  return { subjects, covers: rim.kind, predicate };
}

async function readVerifiedRim(
  { rim, rimId, chip, verifiedAt, root }: RimInput,
  device: NonNullable<RimOptions["device"]>,
): Promise<Rim> {
  const xml = await withFile(rim, "RIM", async (file) => {
    if (file.size > MAX_RIM) throw file.malformed(`${file.size} bytes, at most ${MAX_RIM} are read`, 0);
    return await file.read(0, file.size, "the RIM");
  });
  const result = await verifyRim(xml, {
    now: verifiedAt,
    device,
    ...(rimId === undefined ? {} : { rimId }),
    ...(chip === undefined ? {} : { chip }),
    ...(root === undefined ? {} : { root }),
  });
  if (result.rim !== null) return result.rim;
  const failed = result.checks.find(({ outcome }) => outcome !== "pass");
  throw new VerificationError<DescribeCode>(
    "rim-rejected",
    `${rim}: ${failed?.id}: ${failed?.detail ?? "not evaluated"}`,
  );
}
