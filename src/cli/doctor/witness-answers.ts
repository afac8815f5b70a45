// Asks every witness of the trust root in force how much of the log it has seen, once for all looks.
import { HttpWitness } from "../../log/checkpointing/http-witness.ts";
import { formatNote, parseNote } from "../../protocol/note/signed-note.ts";
import { type PolicyWitness, parseTlogPolicy, type TlogPolicy } from "../../protocol/note/tlog-policy.ts";
import { readNoteKey } from "../note-key.ts";
import type { Examined, LogSeen } from "./look.ts";

/** Longest time for which a witness is waited for, milliseconds. */
const ASK_MS = 10_000;

export interface WitnessAnswer {
  readonly witness: PolicyWitness;
  /**
   * "own": the log cosigns by itself. "nowhere": nobody knows where it is. Else how many entries it has seen, and how many the database had
   * committed after it answered; or why it did not say.
   */
  readonly says:
    | "own"
    | "nowhere"
    | { readonly seen: number; readonly committed: number }
    | { readonly silent: string };
}

const asked = new WeakMap<Examined, Promise<WitnessAnswer[]>>();

/** The same answers whoever asks. None where nothing is published: only a published checkpoint is shown to anybody. */
export function askWitnesses(examined: Examined): Promise<WitnessAnswer[]> {
  const answers = asked.get(examined) ?? ask(examined);
  asked.set(examined, answers);
  return answers;
}

export function wouldCosign({ says }: WitnessAnswer): boolean {
  return says === "own" || (typeof says === "object" && "seen" in says && says.seen <= says.committed);
}

async function ask({ config, context, log }: Examined): Promise<WitnessAnswer[]> {
  if (log === null || log.published === null) return [];
  const policy = parseTlogPolicy(log.root.logPolicy);
  const note = ownNote(log.published.note, policy);
  const own =
    config.keys.cosigner && (await readNoteKey(config.keys.cosigner, context).catch(() => undefined));
  const answer = async (witness: PolicyWitness): Promise<WitnessAnswer> => {
    const { name, key } = witness;
    if (own && own.verifierKey.keyId === key.keyId) return { witness, says: "own" };
    const reached = config.witnesses.find((one) => one.name === name || one.name === key.name) ?? witness;
    if (reached.url === undefined) return { witness, says: "nowhere" };
    const http = new HttpWitness({ name, url: reached.url, fetch: context.fetch });
    return { witness, says: await askOne(http, note, log) };
  };
  return Promise.all(policy.witnesses.map(answer));
}

/** The database is looked at again after the answer: a log that is served grows, and whatever a witness saw was committed before. */
async function askOne(witness: HttpWitness, note: string, log: LogSeen): Promise<WitnessAnswer["says"]> {
  try {
    const seen = await witness.sizeSeen(note, AbortSignal.timeout(ASK_MS));
    return { seen, committed: (await log.again()).size };
  } catch (error) {
    return { silent: (error as Error).message };
  }
}

/** With the log's signatures and no other, as witnesses are shown it. */
function ownNote(note: string, { logs }: TlogPolicy): string {
  const { text, signatures } = parseNote(note);
  const isOwn = ({ name, keyId }: { name: string; keyId: string }) =>
    logs.some(({ key }) => key.name === name && key.keyId === keyId);
  return formatNote({ text, signatures: signatures.filter(isOwn) });
}
