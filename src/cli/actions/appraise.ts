// Appraises a machine with a verified bundle. Nothing is sent to a server before the answer is yes.
import { appraiseEvidence, rejectBundle } from "../../verifier/appraisal/appraise.ts";
import type { VerifiedBundle } from "../../verifier/bundle/verify-bundle.ts";
import { NVIDIA_DEVICE_ROOT } from "../../verifier/nvidia/device-root.ts";
import { INTEL_SGX_ROOT_CA } from "../../verifier/tdx/intel-root.ts";
import type { Appraised, ResultFiles } from "../attestation-results.ts";
import { verdictLines } from "../check-lines.ts";
import { AnswerIsNo, type CliContext, judging, show, UsageError } from "../context.ts";
import { readInput, readOwn } from "../files.ts";
import { readHpkeChannel, readTlsChannel } from "../peer/channel-key.ts";
import { evidenceOfServer, type Server, type ShownEvidence } from "../peer/evidence-of-server.ts";
import { readTestingRoot } from "../testing-root.ts";
import { verifyBundleFile } from "../verify-bundle-file.ts";

interface Options extends ResultFiles {
  readonly bundle: string;
  readonly policy: string;
  readonly trust: string;
  readonly state?: string;
  readonly evidence?: string;
  readonly connect?: Server;
  readonly channelKey?: string;
  readonly hpkeKey?: string;
  readonly nonce?: Uint8Array;
  readonly now?: Date;
  readonly intelRoot?: string;
  readonly nvidiaRoot?: string;
  readonly json?: boolean;
}

export async function runAppraise(options: Options, context: CliContext): Promise<void> {
  const results = isHandedOn(options) ? await import("../attestation-results.ts") : null;
  results?.requireComplete(options);
  const appraised = await appraiseOnce(options, context);
  await results?.writeResults(appraised, options, context);
  const { verdict } = appraised;
  show(context, options, verdict, verdictLines(verdict));
  if (verdict.verdict !== "trusted") throw new AnswerIsNo("");
}

/** Whether the verdict is wanted in a format of others, too. */
function isHandedOn({ ear, earProfile, earOutput, svr }: ResultFiles): boolean {
  return [ear, earProfile, earOutput, svr].some((given) => given !== undefined);
}

const NONCE_BYTES = 32;

async function appraiseOnce(options: Options, context: CliContext): Promise<Appraised> {
  requireOneChannel(options);
  const now = options.now ?? context.now();
  const roots = readRoots(options, context);
  const bundle = await verifyBundleFile(options, now, (error) => rejectBundle(error, now));
  if ("verdict" in bundle)
    return { verdict: bundle, bundle: null, evidence: new Uint8Array(), nonce: options.nonce ?? null };
  const { channel, evidence, nonce } = await gather(options, bundle, context);
  const verdict = await appraiseEvidence(bundle, evidence, { now, nonce, channel, ...roots });
  return { verdict, bundle, evidence, nonce };
}

function requireOneChannel({ connect, channelKey, hpkeKey, evidence }: Options): void {
  if ([connect, channelKey, hpkeKey].filter((given) => given !== undefined).length !== 1)
    throw new UsageError("say whose evidence it is: one of --connect, --channel-key and --hpke-key");
  if (connect === undefined && evidence === undefined) throw new UsageError("give --evidence or --connect");
}

function readRoots({ intelRoot, nvidiaRoot }: Options, context: CliContext) {
  const intel = readTestingRoot("intel", intelRoot, context);
  const nvidia = readTestingRoot("nvidia", nvidiaRoot, context);
  if (intel === undefined && nvidia === undefined) return {};
  return { roots: { intel: intel ?? INTEL_SGX_ROOT_CA, nvidia: nvidia ?? NVIDIA_DEVICE_ROOT } };
}

async function gather(options: Options, bundle: VerifiedBundle, context: CliContext): Promise<ShownEvidence> {
  const { connect } = options;
  if (connect !== undefined) return judging(() => gatherFromServer(connect, options, bundle, context));
  const evidence = readInput(options.evidence ?? "");
  const channel =
    options.hpkeKey === undefined
      ? readOwn(options.channelKey ?? "", readTlsChannel)
      : readHpkeChannel(options.hpkeKey);
  return { channel, evidence, nonce: options.nonce ?? null };
}

async function gatherFromServer(
  server: Server,
  options: Options,
  { policy }: VerifiedBundle,
  context: CliContext,
): Promise<ShownEvidence> {
  const wanted = policy.profiles.some(({ binding }) => binding.freshness === "nonce");
  const drawn = wanted ? crypto.getRandomValues(new Uint8Array(NONCE_BYTES)) : null;
  const given = options.evidence === undefined ? undefined : readInput(options.evidence);
  return evidenceOfServer(server, { nonce: options.nonce ?? drawn, given, warn: context.warn });
}
