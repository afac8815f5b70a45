// Serves the evidence of this machine, to a TLS front end in it or as one, and keeps what is stapled fresh.
import type { Logger } from "pino";
import { addFrontEnd, type FrontEndOptions } from "../attester/front-end/front-end.ts";
import type { TlsKey } from "../attester/front-end/tls-key.ts";
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
  /** SPKI DER of the key by which TLS ends in this machine. */
  readonly tlsKey: Uint8Array;
  /** The key itself, where TLS ends here. */
  readonly tls: TlsKey | null;
  /** What is in front of a service; null where evidence is all there is. */
  readonly frontEnd: Omit<FrontEndOptions, "passOn"> | null;
  readonly listen: { readonly host: string; readonly port: number };
  readonly requestsPerMinute: number;
  readonly trustedProxies: number;
  /** Minutes. */
  readonly refresh: number;
}

const MINUTE_MS = 60_000;
/** Time that open connections get to end when the service stops, milliseconds. */
const GRACE_MS = 10_000;
/** Time that a reply may take, milliseconds: of a model that thinks, and streams at the pace of a reader. */
const REPLY_MS = 3_600_000;
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
    const channels = new ChannelKeys(options.tlsKey);
    const app = createEvidenceApp({
      channels,
      makeEvidence: (challenge) => makeEvidence(machine, keeper.stapled, challenge),
      logger,
      limits: {
        requestsPerMinute: options.requestsPerMinute,
        trustedProxies: options.trustedProxies,
        waiting: WAITING,
      },
    });
    const { tls, frontEnd } = options;
    const stopFrontEnd =
      frontEnd && (await addFrontEnd(app, channels, { ...frontEnd, passOn: tls !== null }, context.now));
    return await startServer({
      app,
      ...options.listen,
      ...(tls && { tls }),
      close: async () => {
        stopFrontEnd?.();
        keeper.stop();
      },
      graceMs: GRACE_MS,
      connections: { answerMs: REPLY_MS },
    });
  } catch (error) {
    keeper.stop();
    throw error;
  }
}
