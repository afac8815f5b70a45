// Makes the evidence of the machine that the program runs in, and serves it.
import { pino, stdTimeFunctions } from "pino";
import { type CliContext, show } from "../context.ts";
import { readOwn } from "../files.ts";
import type { MachineOptions } from "../machine-options.ts";
import { readTlsChannel } from "../peer/channel-key.ts";
import { serveEvidence } from "../serve-evidence.ts";
import { untilStopped } from "../until-stopped.ts";

interface ServeOptions extends MachineOptions {
  readonly tlsKeySpki: string;
  readonly listen: { readonly host: string; readonly port: number };
  readonly requestsPerMinute: number;
  readonly trustedProxies: number;
  readonly refresh: number;
  readonly json?: boolean;
}

export async function runAttestServe(options: ServeOptions, context: CliContext): Promise<void> {
  const logger = pino({ timestamp: stdTimeFunctions.isoTime }, pino.destination(2));
  const { key } = readOwn(options.tlsKeySpki, readTlsChannel);
  const server = await serveEvidence({ ...options, tlsKey: key }, logger, context);
  show(context, options, { url: server.address }, [server.address]);
  await untilStopped(server, logger);
}
