// Writes a verdict in the formats in which verdicts are handed on: an EAT Attestation Result, an in-toto statement.
import { packageVersion } from "../node/package-root.ts";
import { openSigner } from "../node/signing/open-signer.ts";
import { utf8 } from "../protocol/encoding/text.ts";
import type { Verdict } from "../verifier/appraisal/verdict.ts";
import type { VerifiedBundle } from "../verifier/bundle/verify-bundle.ts";
import { type EarProfile, writeEar } from "../views/ear.ts";
import { judgedMachine } from "../views/judged-machine.ts";
import { writeSvr } from "../views/svr.ts";
import { type CliContext, UsageError } from "./context.ts";
import { writeOutput } from "./files.ts";

export interface ResultFiles {
  /** Private key that signs the EAR. */
  readonly ear?: string;
  readonly earProfile?: EarProfile;
  readonly earOutput?: string;
  readonly svr?: string;
}

export interface Appraised {
  readonly verdict: Verdict;
  /** null where it was refused, and nothing was asked of the machine. */
  readonly bundle: VerifiedBundle | null;
  readonly evidence: Uint8Array;
  readonly nonce: Uint8Array | null;
}

/** What stands for the verifier: its word is only as good as the key. */
const VERIFIER = "urn:touchstone:verifier";

/** @throws UsageError where one of the two is given without the other. */
export function requireComplete({ ear, earProfile, earOutput }: ResultFiles): void {
  if ((ear === undefined) !== (earOutput === undefined))
    throw new UsageError("an EAR takes both: --ear KEY and --ear-output FILE");
  if (ear === undefined && earProfile !== undefined)
    throw new UsageError("--ear-profile is of an EAR: give --ear KEY and --ear-output FILE");
}

export async function writeResults(
  { verdict, bundle, evidence, nonce }: Appraised,
  { ear, earProfile = "veraison", earOutput, svr }: ResultFiles,
  context: CliContext,
): Promise<void> {
  const machine = judgedMachine(verdict, bundle, evidence, nonce);
  if (ear !== undefined && earOutput !== undefined) {
    const options = { profile: earProfile, developer: VERIFIER, build: `touchstone ${packageVersion()}` };
    writeOutput(earOutput, utf8(await writeEar(machine, await openSigner(ear, context), options)));
  }
  if (svr !== undefined) writeOutput(svr, writeSvr(machine, VERIFIER));
}
