// Looks whether each key that the configuration names can be read, and is what the trust root in force calls it. Nothing is signed.
import { StatusIssuer } from "../../../log/sequencing/status-issuer.ts";
import { openSigner } from "../../../node/signing/open-signer.ts";
import type { VerifierKey } from "../../../protocol/note/key.ts";
import { logKeyOf, parseTlogPolicy } from "../../../protocol/note/tlog-policy.ts";
import { openLogSigner } from "../../log-signer.ts";
import { readNoteKey } from "../../note-key.ts";
import { fault, ok, type Remark, warning } from "../finding.ts";
import type { DoctorContext, Examined, LogSeen, Look } from "../look.ts";
import { remarkOn } from "../remark-on.ts";

export const key: Look = {
  check: "key",
  async look(examined) {
    const { log } = examined;
    if (log === null) return [];
    const remarks: Remark[] = [];
    // One after the other, since a token or an agent may ask its user something.
    for (const [name, judge] of JUDGES) {
      const source = examined.config.keys[name];
      if (source !== undefined) remarks.push(await judging(name, () => judge(source, examined, log)));
    }
    return [...remarks, ...missing(examined, log)];
  },
};

type Judge = (source: string, examined: Examined, log: LogSeen) => Promise<Remark>;
type KeyName = "log" | "logMlDsa44" | "cosigner" | "status" | "receipt";

const JUDGES: ReadonlyArray<readonly [KeyName, Judge]> = [
  ["log", judgeLog],
  ["logMlDsa44", judgeMlDsa],
  ["cosigner", judgeCosigner],
  ["status", judgeStatus],
  ["receipt", judgeReceipt],
];

async function judging(name: KeyName, judge: () => Promise<Remark>): Promise<Remark> {
  try {
    const remark = await judge();
    return { ...remark, detail: `keys.${name} ${remark.detail}` };
  } catch (error) {
    return remarkOn(error, `keys.${name}`);
  }
}

const named = ({ name, keyId }: Pick<VerifierKey, "name" | "keyId">) => `${name}+${keyId}`;
const open = (source: string, context: DoctorContext) => openSigner(source, context);

async function judgeLog(source: string, { config, context }: Examined, { root }: LogSeen): Promise<Remark> {
  const { verifierKey } = await openLogSigner(source, config.origin, context);
  const wanted = logKeyOf(root.logPolicy);
  if (named(verifierKey) === named(wanted)) return ok(`${named(verifierKey)} signs checkpoints`);
  return fault(
    `is ${named(verifierKey)}, and the trust root names ${named(wanted)}`,
    "configure the key that the trust root names: the log does not start with another",
  );
}

async function judgeMlDsa(source: string, { context }: Examined, { root }: LogSeen): Promise<Remark> {
  const { verifierKey } = await readNoteKey(source, context);
  const isNamed = parseTlogPolicy(root.logPolicy).logs.some(({ key }) => named(key) === named(verifierKey));
  if (isNamed) return ok(`${named(verifierKey)} signs checkpoints, too`);
  return warning(
    `${named(verifierKey)} is not named by the trust root, and signs nothing before it is`,
    "publish a trust root that names it, or take it out of the configuration",
  );
}

async function judgeCosigner(source: string, { context }: Examined, { root }: LogSeen): Promise<Remark> {
  const { verifierKey } = await readNoteKey(source, context);
  const { witnesses } = parseTlogPolicy(root.logPolicy);
  if (witnesses.some(({ key }) => named(key) === named(verifierKey)))
    return ok(`${named(verifierKey)} cosigns`);
  return warning(
    `${named(verifierKey)} is no witness of the trust root: what it cosigns does not count`,
    "publish a trust root that names it, or take it out of the configuration",
  );
}

async function judgeStatus(source: string, { context }: Examined, { state }: LogSeen): Promise<Remark> {
  const signer = await open(source, context);
  if (new StatusIssuer(signer, context.now).isAllowed(state.inForce))
    return ok(`${signer.keyId} issues statuses`);
  return fault(
    `${signer.keyId} does not have the status role by itself, or is revoked: no status follows`,
    "configure a key that the role names, or issue statuses with 'touchstone status publish'",
  );
}

async function judgeReceipt(source: string, { context }: Examined, { root }: LogSeen): Promise<Remark> {
  const { spki, keyId } = await open(source, context);
  if (root.receiptKeys.includes(spki)) return ok(`${keyId} signs receipts`);
  return fault(
    `${keyId} is not listed in the receiptKeys of the trust root: no receipts are given`,
    "publish a trust root that lists it ('touchstone trust-root draft --receipt-key'), or take it out of the configuration",
  );
}

function missing({ config }: Examined, { root }: LogSeen): Remark[] {
  if (config.keys.receipt !== undefined || root.receiptKeys.length === 0) return [];
  const detail =
    "keys.receipt is missing, and the trust root lists receipt keys: this process gives no receipts";
  return [warning(detail, "configure one of them, unless other processes of the log have theirs")];
}
