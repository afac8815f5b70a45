// Makes the evidence of the machine that the program runs in, and serves it.
import { randomBytes } from "node:crypto";
import { pino, stdTimeFunctions } from "pino";
import {
  makeEvidenceCertificate,
  readServerKey,
  type ServerKey,
} from "../../attester/evidence-certificate.ts";
import { makeTlsKey, type TlsKey } from "../../attester/front-end/tls-key.ts";
import { makeEvidence } from "../../attester/make-evidence.ts";
import { fetchStapled } from "../../attester/vendors/fetch-stapled.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { type CliContext, show, UsageError } from "../context.ts";
import { readInput, readOwn, writeOutput } from "../files.ts";
import type { MachineOptions } from "../machine-options.ts";
import { openMachine } from "../open-machine.ts";
import { readHpkeChannel, readTlsChannel } from "../peer/channel-key.ts";
import { serveEvidence } from "../serve-evidence.ts";
import { untilStopped } from "../until-stopped.ts";

interface AttestOptions extends MachineOptions {
  readonly channelKey?: string;
  readonly hpkeKey?: string;
  readonly tlsKey?: string;
  readonly name?: string;
  readonly days: number;
  readonly nonce?: Uint8Array;
  readonly output: string;
  readonly json?: boolean;
}

const NONCE_BYTES = 32;
const DAY_MS = 86_400_000;

export async function runAttest(options: AttestOptions, context: CliContext): Promise<void> {
  const { output, nonce = new Uint8Array(randomBytes(NONCE_BYTES)) } = options;
  const { channelKey, server } = await readKey(options);
  const { machine, sources } = openMachine(options, context);
  const stapled = await fetchStapled(machine, sources);
  const evidence = await makeEvidence(machine, stapled, { channelKey, nonce });
  const written = server === null ? evidence : await certify(server, evidence, options, context);
  writeOutput(output, written);
  show(context, options, { output, nonce: encodeHex(nonce), bytes: written.length }, [
    `${output}: ${server === null ? "evidence" : "a certificate with evidence"} for nonce ${encodeHex(nonce)}`,
  ]);
}

/** The key that is vouched for, and where a certificate is wanted its private half. */
async function readKey({
  channelKey,
  hpkeKey,
  tlsKey,
}: AttestOptions): Promise<{ channelKey: Uint8Array; server: ServerKey | null }> {
  if ([channelKey, hpkeKey, tlsKey].filter((given) => given !== undefined).length !== 1)
    throw new UsageError("say what to vouch for: one of --channel-key, --hpke-key and --tls-key");
  if (tlsKey !== undefined) {
    const server = await readServerKey(readInput(tlsKey));
    return { channelKey: server.spki, server };
  }
  const { key } =
    channelKey === undefined ? readHpkeChannel(hpkeKey ?? "") : readOwn(channelKey, readTlsChannel);
  return { channelKey: key, server: null };
}

function certify(
  server: ServerKey,
  evidence: Uint8Array,
  { name, days }: AttestOptions,
  context: CliContext,
): Promise<string> {
  if (name === undefined) throw new UsageError("missing: --name <host>, for the certificate");
  const now = context.now();
  const notAfter = new Date(now.getTime() + days * DAY_MS);
  // A client whose clock is a little behind is let in.
  const notBefore = new Date(now.getTime() - DAY_MS);
  return makeEvidenceCertificate(server, { name, notBefore, notAfter, evidence });
}

interface ServeOptions extends MachineOptions {
  readonly tlsKeySpki?: string;
  readonly tls?: readonly string[];
  readonly forward?: number;
  readonly authority: readonly string[];
  readonly listen: { readonly host: string; readonly port: number };
  readonly requestsPerMinute: number;
  readonly trustedProxies?: number;
  readonly refresh: number;
  readonly json?: boolean;
}

export async function runAttestServe(options: ServeOptions, context: CliContext): Promise<void> {
  const logger = pino({ timestamp: stdTimeFunctions.isoTime });
  const channel = await channelOf(options, context.now());
  const frontEnd = frontEndOf(options);
  const { trustedProxies = channel.tls === null ? 1 : 0 } = options;
  const server = await serveEvidence({ ...options, ...channel, frontEnd, trustedProxies }, logger, context);
  show(context, options, { url: server.address }, [server.address]);
  await untilStopped(server, logger);
}

async function channelOf(
  { tls: names, tlsKeySpki }: ServeOptions,
  now: Date,
): Promise<{ tls: TlsKey | null; tlsKey: Uint8Array }> {
  if (names !== undefined && tlsKeySpki === undefined) {
    const tls = await makeTlsKey(names, now);
    return { tls, tlsKey: tls.spki };
  }
  if (names === undefined && tlsKeySpki !== undefined)
    return { tls: null, tlsKey: readOwn(tlsKeySpki, readTlsChannel).key };
  throw new UsageError(
    "TLS ends here (--tls NAME) or elsewhere in this machine (--tls-key-spki FILE): say which of the two",
  );
}

/** A client names the port only where it is not the one of https. */
function frontEndOf({
  forward,
  authority,
  tls = [],
  listen,
}: ServeOptions): { port: number; authorities: string[] } | null {
  if (forward === undefined) {
    if (tls.length > 0) throw new UsageError("--tls: what is behind it? Name its port with --forward");
    return null;
  }
  const own = tls.flatMap((name) => [name, `${name}:${listen.port}`]);
  const authorities = [...authority, ...own].map((name) => name.toLowerCase());
  if (authorities.length === 0)
    throw new UsageError("--forward: by which --authority do clients know this machine?");
  return { port: forward, authorities };
}
