// Founds a log in a folder.
import { join } from "node:path";
import { type CliContext, show } from "../context.ts";
import { initLog } from "../init-log.ts";

export async function runInit(
  dir: string,
  options: { origin: string; url: string; json?: boolean },
  context: CliContext,
): Promise<void> {
  await initLog(dir, { ...options, port: 8080 }, context);
  const trust = join(dir, "trust-root.json");
  show(context, options, { config: join(dir, "touchstone.toml"), trust, origin: options.origin }, [
    `${dir}: log ${options.origin} founded`,
    `  ${trust} is what verifiers pin`,
    `  ${join(dir, "keys")} holds the private keys: move root.pem, policy.pem and revocation.pem off this machine`,
    `next: touchstone serve --config ${join(dir, "touchstone.toml")}`,
  ]);
}
