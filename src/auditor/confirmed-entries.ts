// Finds the entries with identities of which no checkpoint shows that they were there when the log says that it took them (docs/formats.md,
// "Identity"). They do not count for verifiers; that they are in the log is no damage.
import { encodeHex } from "../protocol/encoding/hex.ts";
import { MalformedError, PolicyError, VerificationError } from "../protocol/errors.ts";
import { confirm, type PolicyAtSize } from "../protocol/identity/confirmation.ts";
import type { Checkpoint } from "../protocol/note/checkpoint.ts";
import { parseTlogPolicy } from "../protocol/note/tlog-policy.ts";
import type { InForce } from "../protocol/registration/in-force.ts";
import type { ReplayedRecords } from "./replayed-records.ts";
import { compareTrees } from "./shown-checkpoint.ts";
import type { TileReader } from "./tile-reader.ts";

/** An entry that counts for nobody, and why. */
export interface Unconfirmed {
  readonly index: number;
  readonly why: string;
}

/** Asks for the confirmation of every entry that has none yet, and remembers those that hold. */
export async function confirmEntries(
  reader: TileReader,
  records: ReplayedRecords,
  inForce: InForce,
  shown: Checkpoint,
): Promise<Unconfirmed[]> {
  const unconfirmed: Unconfirmed[] = [];
  const policyAt = policiesOf(inForce);
  for (const { index, recordedAt } of records.unconfirmed()) {
    const why = await whyNot(reader, index, recordedAt, policyAt, shown);
    if (why === null) records.confirm(index);
    else unconfirmed.push({ index, why });
  }
  return unconfirmed;
}

function policiesOf({ trustRoots }: InForce): PolicyAtSize {
  return (size) => {
    const placed = trustRoots.findLast(({ index }) => index < size);
    if (placed === undefined) throw new MalformedError("checkpoint", "of no entry");
    return parseTlogPolicy(placed.root.logPolicy);
  };
}

async function whyNot(
  reader: TileReader,
  index: number,
  recordedAt: string,
  policyAt: PolicyAtSize,
  shown: Checkpoint,
): Promise<string | null> {
  const note = await reader.confirmation(index);
  if (note === undefined) return `no checkpoint is shown that confirms entry ${index}`;
  try {
    const { size, root } = await confirm({ recordedAt }, index, note, policyAt);
    const fate =
      size > shown.size ? "unproven" : await compareTrees(reader, { size, root: encodeHex(root) }, shown);
    return fate === "continues" ? null : `the checkpoint that confirms entry ${index} is of another tree`;
  } catch (error) {
    const isRefused =
      error instanceof PolicyError || error instanceof VerificationError || error instanceof MalformedError;
    if (!isRefused) throw error;
    return error.message;
  }
}
