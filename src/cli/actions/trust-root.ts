// Drafts the successor of a trust root, turns it into a statement, and writes the new pin.
import { readAs } from "../../protocol/encoding/shape.ts";
import { formatTime } from "../../protocol/entry/fields.ts";
import { identityRule } from "../../protocol/entry/identity-rule.shape.ts";
import type { TrustRoot } from "../../protocol/entry/trust-root.ts";
import { parseEnvelope } from "../../protocol/envelope/dsse.ts";
import { parseJson } from "../../protocol/envelope/parse-json.ts";
import { formatStatement, parseStatement } from "../../protocol/envelope/statement.ts";
import { getTrustRoot } from "../../publisher/client/lookup.ts";
import { nextTrustRoot } from "../../publisher/trust-root/draft-trust-root.ts";
import {
  addIdentity,
  addLogKey,
  addReceiptKey,
  addWitness,
  removeReceiptKey,
  replaceKey,
  setRole,
} from "../../publisher/trust-root/edit-trust-root.ts";
import { ROLES, type RoleName } from "../../publisher/trust-root/roles.ts";
import { formatTrustFile } from "../../verifier/bundle/trust-pin.ts";
import { type CliContext, show, UsageError } from "../context.ts";
import { readOwn, writeOutput } from "../files.ts";
import { logClient } from "../log-client.ts";
import { readPublicKeyFile } from "../public-keys.ts";
import { requireTimelyFile } from "../timely-file.ts";

/** As the command line calls the role that has a member `identityKeys`. */
const IDENTITY_KEYS = "identity-keys";

interface DraftOptions {
  readonly to: string;
  readonly days: number;
  readonly setRole: readonly string[];
  readonly replaceKey: readonly string[];
  readonly addWitness?: string;
  readonly witnessUrl?: string;
  readonly addLogKey?: string;
  readonly addIdentity: readonly string[];
  readonly addReceiptKey: readonly string[];
  readonly removeReceiptKey: readonly string[];
  readonly quorum?: number;
  readonly index?: "on" | "off";
  readonly output: string;
  readonly json?: boolean;
}

export async function runDraft(options: DraftOptions, context: CliContext): Promise<void> {
  const { envelope, statement } = await getTrustRoot(logClient(options.to, context));
  const expires = formatTime(new Date(context.now().getTime() + options.days * 86_400_000));
  const next = nextTrustRoot({ root: statement.predicate, digest: envelope.payloadDigest }, expires);
  const edited = await edit(next, options);
  writeOutput(options.output, `${JSON.stringify(edited, null, 2)}\n`);
  show(context, options, { output: options.output, version: edited.version }, [
    `${options.output}: trust root version ${edited.version}; look at it, then: touchstone trust-root seal ${options.output} -o root.json`,
  ]);
}

async function edit(root: TrustRoot, options: DraftOptions): Promise<TrustRoot> {
  let edited = root;
  for (const text of options.setRole) {
    const [, name = "", threshold, files] = /^([a-z-]+)=([1-9][0-9]?):(.+)$/.exec(text) ?? [];
    const role = name === IDENTITY_KEYS ? "identityKeys" : name;
    if (threshold === undefined || files === undefined || !(role === "identityKeys" || isRole(role)))
      throw new UsageError(
        `--set-role: expected ROLE=NUMBER:FILE,…; the roles are ${[...ROLES, IDENTITY_KEYS].join(", ")}`,
      );
    const keys = await Promise.all(files.split(",").map(readPublicKeyFile));
    edited = setRole(edited, role, { keys, threshold: Number(threshold) });
  }
  for (const text of options.replaceKey) {
    const [, old, file] = /^([0-9a-f]{64})=(.+)$/.exec(text) ?? [];
    if (old === undefined || file === undefined)
      throw new UsageError("--replace-key: expected the id of the old key (64 hex digits), =, a file");
    edited = replaceKey(edited, old, await readPublicKeyFile(file));
  }
  for (const file of options.addIdentity)
    edited = addIdentity(
      edited,
      readOwn(file, (bytes) => readAs(identityRule, parseJson(bytes, 65_536), "identity rule")),
    );
  for (const file of options.addReceiptKey) edited = addReceiptKey(edited, await readPublicKeyFile(file));
  for (const keyId of options.removeReceiptKey) edited = removeReceiptKey(edited, keyId);
  if (options.addLogKey !== undefined) edited = addLogKey(edited, options.addLogKey);
  if (options.index !== undefined) edited = { ...edited, index: options.index === "on" };
  return withWitness(edited, options);
}

function withWitness(root: TrustRoot, { addWitness: witness, witnessUrl, quorum }: DraftOptions): TrustRoot {
  if ((witness === undefined) !== (quorum === undefined))
    throw new UsageError(
      "--add-witness and --quorum go together: more witnesses do not say how many must cosign",
    );
  if (witness === undefined && witnessUrl !== undefined)
    throw new UsageError("--witness-url goes with --add-witness");
  if (witness === undefined || quorum === undefined) return root;
  const [, name, key] = /^([^=+\s]+)=(\S+)$/.exec(witness) ?? [];
  if (name === undefined || key === undefined) throw new UsageError("--add-witness: expected NAME=KEY");
  return addWitness(root, { name, key, url: witnessUrl }, quorum);
}

function isRole(text: string): text is RoleName {
  return (ROLES as readonly string[]).includes(text);
}

export async function runSeal(
  file: string,
  options: { output: string; allowExpired?: boolean; json?: boolean },
  context: CliContext,
): Promise<void> {
  const payload = readOwn(file, (bytes) =>
    formatStatement("trust-root", parseJson(bytes, 1_000_000) as unknown as TrustRoot),
  );
  requireTimelyFile(file, parseStatement(payload), options, context);
  writeOutput(options.output, payload);
  show(context, options, { output: options.output }, [
    `${options.output}: sign it with a threshold of the old and of the new root keys`,
  ]);
}

export async function runPin(
  file: string,
  options: { output: string; json?: boolean },
  context: CliContext,
): Promise<void> {
  const envelope = readOwn(file, parseEnvelope);
  if (envelope.statement.kind !== "trust-root") throw new UsageError(`${file} is not a trust root`);
  writeOutput(options.output, formatTrustFile(envelope));
  show(context, options, { output: options.output, digest: envelope.payloadDigest }, [
    `${options.output}: pins sha256:${envelope.payloadDigest}`,
  ]);
}
