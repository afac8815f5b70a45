// Founds a log in a folder: at once, or in two steps where people hold the root keys.
import { join } from "node:path";
import { absoluteSource, isElsewhere } from "../../node/signing/signer-source.ts";
import type { Holders } from "../../publisher/trust-root/edit-trust-root.ts";
import { DEFAULT_STATUS_DAYS } from "../../publisher/trust-root/found-log.ts";
import { ROLES, type RoleName } from "../../publisher/trust-root/roles.ts";
import { type CliContext, show, UsageError } from "../context.ts";
import { configOf, finishLog, initLog, trustFileOf } from "../init-log.ts";
import { readPublicKeyFile } from "../public-keys.ts";

/** --root-key, --root-threshold and so on, for each role. */
type RoleOptions = Readonly<
  Record<`${RoleName}Key`, readonly string[]> & Record<`${RoleName}Threshold`, number>
>;

interface Options extends RoleOptions {
  readonly origin: string;
  readonly url: string;
  readonly signed?: string;
  readonly statusDays?: number;
  readonly offlineStatusKey?: boolean;
  readonly mlDsa44?: boolean;
  readonly index?: boolean;
  readonly logKey?: string;
  readonly receiptKey?: true | string;
  readonly postgres?: string;
  readonly schema?: string;
  readonly json?: boolean;
}

const ASK_FOR_LIFETIME =
  "--offline-status-key: say with --status-days how long a status is good, 1 to 7 days: as often you must issue one, and so long after a revocation a stranger without any key can show verifiers what was in force before it";

export async function runInit(dir: string, options: Options, context: CliContext): Promise<void> {
  if (options.signed === undefined) return found(dir, options, context);
  await finishLog(dir, options.signed, context);
  const [config, trust] = [configOf(dir), trustFileOf(dir)];
  show(context, options, { config, trust }, [
    `${dir}: the log is founded`,
    `  ${trust} is what verifiers pin`,
    `next: touchstone serve --config ${config}`,
  ]);
}

async function found(dir: string, options: Options, context: CliContext): Promise<void> {
  const holders = await holdersOf(options);
  const { origin, url, statusDays, offlineStatusKey = holders.status !== undefined } = options;
  if (offlineStatusKey && statusDays === undefined) throw new UsageError(ASK_FOR_LIFETIME);
  if (options.schema !== undefined && options.postgres === undefined)
    throw new UsageError("--schema belongs to --postgres");
  const init = {
    origin,
    url,
    port: 8080,
    holders,
    offlineStatusKey,
    mlDsa44: options.mlDsa44 === true,
    index: options.index === true,
    ...(options.logKey && { logKey: keptKey("--log-key", options.logKey) }),
    ...(options.receiptKey && { receiptKey: receiptKeyOf(options.receiptKey) }),
    ...(options.postgres && { postgres: absoluteSource(options.postgres, process.cwd()) }),
    ...(options.schema && { schema: options.schema }),
    ...(statusDays && { statusDays }),
  };
  const statement = await initLog(dir, init, context);
  const { threshold } = holders.root ?? { threshold: 1 };
  if (statement === undefined) return showFounded(dir, { ...options, offlineStatusKey }, holders, context);
  show(context, options, { config: configOf(dir), statement, origin, threshold }, [
    `${dir}: log ${origin} waits for ${threshold} signature(s) on ${statement}`,
    ...keysToMove(dir, holders, offlineStatusKey),
    `next: touchstone sign ${statement} --key …, by each of them in turn`,
    `then: touchstone init ${dir} --signed ${statement.replace(/\.json$/, ".dsse.json")}`,
  ]);
}

/** The configuration lies in another folder than the one that this is run in. @throws UsageError for a key in a file. */
function keptKey(option: string, source: string): string {
  if (!isElsewhere(source))
    throw new UsageError(`${option} takes what keeps a key elsewhere: cmd: or pkcs11:`);
  return absoluteSource(source, process.cwd());
}

const receiptKeyOf = (given: true | string) => (given === true ? given : keptKey("--receipt-key", given));

function showFounded(dir: string, options: Options, holders: HoldersOfRoles, context: CliContext): void {
  const { origin, statusDays = DEFAULT_STATUS_DAYS, offlineStatusKey = false } = options;
  const [config, trust] = [configOf(dir), trustFileOf(dir)];
  const issue = `then, now and at least every ${inDays(statusDays)}: touchstone status publish --key status.pem --trust ${trust}`;
  show(context, options, { config, trust, origin, statusDays }, [
    `${dir}: log ${origin} founded`,
    `  ${trust} is what verifiers pin`,
    ...keysToMove(dir, holders, offlineStatusKey),
    `  a status is good for ${inDays(statusDays)}: so long after a revocation, a stranger without any key can show verifiers what was in force before it`,
    `next: touchstone serve --config ${config}`,
    ...(offlineStatusKey ? [issue] : []),
  ]);
}

type HoldersOfRoles = Readonly<Partial<Record<RoleName, Holders>>>;

/** The keys that were made here and have no business on the machine that serves. */
function keysToMove(dir: string, holders: HoldersOfRoles, offlineStatusKey: boolean): string[] {
  const offline: RoleName[] = [
    "root",
    "policy",
    "revocation",
    ...(offlineStatusKey ? ["status" as const] : []),
  ];
  const made = offline.filter((role) => holders[role] === undefined).map((role) => `${role}.pem`);
  const files = made.join(", ").replace(/, ([^,]*)$/, " and $1");
  return files === ""
    ? []
    : [`  ${join(dir, "keys")} holds the private keys: move ${files} off this machine`];
}

async function holdersOf(options: Options): Promise<HoldersOfRoles> {
  const holders: Partial<Record<RoleName, Holders>> = {};
  for (const role of ROLES) {
    const [files, threshold] = [options[`${role}Key`], options[`${role}Threshold`]];
    if (threshold > Math.max(files.length, 1))
      throw new UsageError(
        `--${role}-threshold is ${threshold}, and --${role}-key is given ${files.length} time(s)`,
      );
    if (files.length > 0)
      holders[role] = { keys: await Promise.all(files.map(readPublicKeyFile)), threshold };
  }
  return holders;
}

function inDays(days: number): string {
  return days === 1 ? "1 day" : `${days} days`;
}
