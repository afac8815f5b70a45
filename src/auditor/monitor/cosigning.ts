// Says which witnesses have cosigned a tree and when: over all notes of it that the vantage points show, since each may have got other
// cosignatures.
import type { TrustRoot } from "../../protocol/entry/trust-root.ts";
import { type Cosignature, MAX_CLOCK_SKEW, timeOfQuorum } from "../../protocol/note/cosigned-checkpoint.ts";
import { isQuorumMet, parseTlogPolicy, type TlogPolicy } from "../../protocol/note/tlog-policy.ts";
import { cosignersOf } from "../log-note.ts";
import type { Finding } from "./finding.ts";

/** A witness that is slower than the quorum cosigns afterwards, seconds. */
const LATE = 3600;

export interface Cosigning {
  /** Of the quorum, POSIX seconds; null where it is not met. */
  readonly quorumTime: number | null;
  readonly findings: readonly Finding[];
}

/** @param notes of one tree. */
export async function judgeCosigning(
  notes: readonly string[],
  { logPolicy, maxCheckpointAge }: TrustRoot,
  now: Date,
): Promise<Cosigning> {
  const policy = parseTlogPolicy(logPolicy);
  const all = await Promise.all(notes.map((note) => cosignersOf(note, policy)));
  const seconds = now.getTime() / 1000;
  const good = all
    .flatMap((each) => each.good)
    .filter(({ timestamp }) => timestamp <= seconds + MAX_CLOCK_SKEW);
  const bad = new Set(all.flatMap((each) => each.bad));
  const witness = (code: string, subject: string, message: string, patience?: number): Finding => ({
    class: "witness",
    code,
    subject,
    message,
    ...(patience !== undefined && { patience }),
  });
  const findings = [...bad].map((name) =>
    witness("cosignature-wrong", name, `a cosignature of ${name} on the newest checkpoint does not verify`),
  );
  const quorumTime = timeOfQuorum(policy, good);
  if (quorumTime === null)
    findings.push(witness("quorum", "the log", "the newest checkpoint lacks the trust root's quorum"));
  for (const { key } of policy.witnesses) {
    const newest = newestOf(key.name, good);
    if (newest === null)
      findings.push(
        witness("cosignature-missing", key.name, `${key.name} has not cosigned the newest checkpoint`, LATE),
      );
    else if (newest < seconds - maxCheckpointAge)
      findings.push(
        witness("cosignature-stale", key.name, `${key.name} cosigned last ${timeText(newest)}`, LATE),
      );
  }
  return { quorumTime, findings };
}

/** Whether one note alone has the quorum, at whatever time. */
export async function hasQuorum(note: string, policy: TlogPolicy): Promise<boolean> {
  const { good } = await cosignersOf(note, policy);
  const keys = policy.witnesses.map(({ key }) => key);
  return isQuorumMet(
    policy,
    keys.filter((key) => good.some(({ name, keyId }) => name === key.name && keyId === key.keyId)),
  );
}

function newestOf(name: string, cosignatures: readonly Cosignature[]): number | null {
  const times = cosignatures.filter((each) => each.name === name).map(({ timestamp }) => timestamp);
  return times.length === 0 ? null : Math.max(...times);
}

const timeText = (seconds: number) => new Date(seconds * 1000).toISOString();
