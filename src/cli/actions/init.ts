// Founds a log in a folder.
import { join } from "node:path";
import { DEFAULT_STATUS_DAYS } from "../../publisher/trust-root/found-log.ts";
import { type CliContext, show, UsageError } from "../context.ts";
import { initLog } from "../init-log.ts";

interface InitCommandOptions {
  readonly origin: string;
  readonly url: string;
  readonly statusDays?: number;
  readonly offlineStatusKey?: boolean;
  readonly json?: boolean;
}

const ASK_FOR_LIFETIME =
  "--offline-status-key: say with --status-days how long a status is good, 1 to 7 days: as often you must issue one, and so long after a revocation a stranger without any key can show verifiers what was in force before it";

export async function runInit(dir: string, options: InitCommandOptions, context: CliContext): Promise<void> {
  const { origin, statusDays = DEFAULT_STATUS_DAYS, offlineStatusKey = false } = options;
  if (offlineStatusKey && options.statusDays === undefined) throw new UsageError(ASK_FOR_LIFETIME);
  await initLog(dir, { ...options, port: 8080 }, context);
  const [config, trust] = [join(dir, "touchstone.toml"), join(dir, "trust-root.json")];
  const others = offlineStatusKey
    ? "policy.pem, revocation.pem and status.pem"
    : "policy.pem and revocation.pem";
  const issue = `then, now and at least every ${inDays(statusDays)}: touchstone status publish --key status.pem --trust ${trust}`;
  show(context, options, { config, trust, origin, statusDays }, [
    `${dir}: log ${origin} founded`,
    `  ${trust} is what verifiers pin`,
    `  ${join(dir, "keys")} holds the private keys: move root.pem, ${others} off this machine`,
    `  a status is good for ${inDays(statusDays)}: so long after a revocation, a stranger without any key can show verifiers what was in force before it`,
    `next: touchstone serve --config ${config}`,
    ...(offlineStatusKey ? [issue] : []),
  ]);
}

function inDays(days: number): string {
  return days === 1 ? "1 day" : `${days} days`;
}
