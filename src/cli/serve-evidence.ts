// Serves the evidence of this machine to a TLS front end in it, and keeps what is stapled fresh.
import type { Logger } from "pino";
import { createEvidenceApp } from "../attester/http/app.ts";
import { ChannelKeys } from "../attester/http/channel-keys.ts";
import { makeEvidence } from "../attester/make-evidence.ts";
import { fetchStapled } from "../attester/vendors/fetch-stapled.ts";
import { StapleKeeper } from "../attester/vendors/staple-keeper.ts";
import { type RunningServer, startServer } from "../http/server.ts";
import type { CliContext } from "./context.ts";
import type { MachineOptions } from "./machine-options.ts";
import { openMachine } from "./open-machine.ts";

interface ServeOptions extends MachineOptions {
  /** SPKI DER. */
  readonly tlsKey: Uint8Array;
  readonly listen: { readonly host: string; readonly port: number };
  readonly requestsPerMinute: number;
  readonly trustedProxies: number;
  /** Minutes. */
  readonly refresh: number;
}

const MINUTE_MS = 60_000;
/** Time that open connections get to end when the service stops, milliseconds. */
const GRACE_MS = 10_000;
/** Requests that may wait behind one whose evidence is being made. */
const WAITING = 64;
/** Minutes after which what could not be fetched is fetched again. */
const AGAIN = 5;

export async function serveEvidence(
  options: ServeOptions,
  logger: Logger,
  context: CliContext,
): Promise<RunningServer> {
  const { machine, sources } = openMachine(options, context);
  const keeper = await StapleKeeper.start({
    fetch: () => fetchStapled(machine, sources),
    everyMs: options.refresh * MINUTE_MS,
    againMs: Math.min(AGAIN, options.refresh) * MINUTE_MS,
    onError: (error) => logger.error({ err: error }, "collateral or revocation could not be fetched again"),
  });
  try {
    const app = createEvidenceApp({
      channels: new ChannelKeys(options.tlsKey),
      makeEvidence: (challenge) => makeEvidence(machine, keeper.stapled, challenge),
      logger,
      limits: {
        requestsPerMinute: options.requestsPerMinute,
        trustedProxies: options.trustedProxies,
        waiting: WAITING,
      },
    });
    return await startServer({
      app,
      ...options.listen,
      close: async () => keeper.stop(),
      graceMs: GRACE_MS,
    });
  } catch (error) {
    keeper.stop();
    throw error;
  }
}
