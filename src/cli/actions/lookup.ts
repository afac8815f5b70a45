// Asks a log which entries have a term, verifies its answer, and says what it proves: exactly these, or none.
import { parseTerm } from "../../protocol/lookup/term.ts";
import { treeOf } from "../../verifier/bundle/merge-states.ts";
import type { RememberedState } from "../../verifier/bundle/remembered-state.ts";
import { repeatVisit } from "../../verifier/bundle/state-changed.ts";
import { createMemoryStore } from "../../verifier/bundle/state-store.ts";
import { parseTrustFile } from "../../verifier/bundle/trust-pin.ts";
import { fetchLookupAnswer, verifyLookupAndRemember } from "../../verifier/lookup/fetch-lookup.ts";
import type { VerifiedLookup } from "../../verifier/lookup/verify-lookup.ts";
import { createFileStore } from "../../verifier-node/file-state.ts";
import { AnswerIsNo, type CliContext, judging, show, UsageError } from "../context.ts";
import { readInput, readOwn, writeOutput } from "../files.ts";

interface LookupOptions {
  readonly to: string;
  readonly file?: string;
  readonly trust: string;
  readonly state?: string;
  readonly now?: Date;
  readonly expect?: "some" | "none";
  readonly output?: string;
  readonly json?: boolean;
}

export async function runLookup(
  type: string,
  value: string,
  options: LookupOptions,
  context: CliContext,
): Promise<void> {
  if (options.file !== undefined && options.output !== undefined)
    throw new UsageError("give one of --file and --output: what is verified lies in a file already");
  const term = parseTerm(type, value);
  const pin = readOwn(options.trust, parseTrustFile);
  const store = options.state === undefined ? createMemoryStore() : createFileStore(options.state);
  const verified = await repeatVisit(async () => {
    const remembered = await store.load(pin.origin);
    return judging(async () => {
      const bytes = await answerTo(term, options, remembered, context);
      const now = options.now ?? context.now();
      return verifyLookupAndRemember(bytes, { pin, ...term, now, remembered }, store);
    });
  });
  show(context, options, describe(verified), linesOf(verified));
  requireExpected(verified, options.expect);
}

/** What is kept is the answer as it came, whether or not it verifies: one that does not is evidence. */
async function answerTo(
  term: { type: string; value: string },
  { to, file, output }: LookupOptions,
  remembered: RememberedState | null,
  { fetch }: CliContext,
): Promise<Uint8Array> {
  if (file !== undefined) return readInput(file);
  const since = remembered === null ? undefined : treeOf(remembered).size;
  const bytes = await fetchLookupAnswer({ url: to, ...term, fetch }, since);
  if (output !== undefined) writeOutput(output, bytes);
  return bytes;
}

function describe({ term, indices, isComplete, size, checkpoint, status, asOf }: VerifiedLookup): unknown {
  return {
    verified: true,
    origin: checkpoint.origin,
    ...term,
    indices,
    complete: isComplete,
    size,
    statusSequence: status.sequence,
    asOf: asOf.toISOString(),
  };
}

function linesOf({ term, indices, isComplete, size, checkpoint, status, asOf }: VerifiedLookup): string[] {
  const asked = `${term.type} ${term.value}`;
  const where = `the first ${size} entries of ${checkpoint.origin}`;
  const said = `by status ${status.sequence}, good until ${status.expires}; as of ${asOf.toISOString()}`;
  if (indices.length === 0) return [`none: not one of ${where} has ${asked}`, said];
  const which = isComplete ? "exactly these" : `the newest ${indices.length}, and older ones,`;
  return [`${which} of ${where} have ${asked}:`, ...indices.map((index) => `  entry ${index}`), said];
}

/** @throws AnswerIsNo where it was expected that there is one, or none, and it is otherwise. */
function requireExpected({ indices }: VerifiedLookup, expected: "some" | "none" | undefined): void {
  const found = indices.length === 0 ? "none" : "some";
  if (expected !== undefined && expected !== found) throw new AnswerIsNo(`expected ${expected}`);
}
