// Copies a log, verified, into a folder: once, or on and on, and serves it meanwhile.
import { openSource } from "../../auditor/log-source.ts";
import { ForkedError, type Mirrored, mirrorLog } from "../../mirror/mirror.ts";
import { serveMirror } from "../../mirror/serve-mirror.ts";
import { parseTrustFile } from "../../verifier/bundle/trust-pin.ts";
import { AnswerIsNo, type CliContext, judging, show, UsageError } from "../context.ts";
import { readOwn } from "../files.ts";
import { keepMirroring, mirroredLine, untilStopped } from "../keep-mirroring.ts";
import { openMirrorFolder, progressOf, writeForkEvidence } from "../mirror-folder.ts";

interface MirrorCommandOptions {
  readonly trust?: string;
  readonly tofu?: boolean;
  readonly every?: number;
  readonly serve?: { readonly host: string; readonly port: number };
  readonly gzip?: boolean;
  readonly json?: boolean;
}

/** Seconds between two rounds of a mirror that is served. */
const EVERY = 10;

export async function runMirror(
  url: string,
  folder: string,
  options: MirrorCommandOptions,
  context: CliContext,
): Promise<void> {
  if ((options.trust === undefined) === (options.tofu !== true))
    throw new UsageError("give either --trust FILE, or --tofu to trust the log's own entry 0 on first use");
  const trust = options.trust === undefined ? null : readOwn(options.trust, parseTrustFile);
  const { target, release } = await openMirrorFolder(folder, options);
  const read = openSource(url, { fetch: context.fetch });
  const onProgress = progressOf("mirrored", context);
  const round = () =>
    judging(() => mirrorLog({ read, target, trust, now: context.now(), onProgress })).catch((error) => {
      if (error instanceof ForkedError) writeForkEvidence(folder, error);
      throw error;
    });
  try {
    if (options.serve === undefined && options.every === undefined)
      showRound(await round(), options, context);
    else await goOn(round, folder, options, context);
  } finally {
    release();
  }
}

async function goOn(
  round: () => Promise<Mirrored>,
  folder: string,
  { serve, every = EVERY, ...options }: MirrorCommandOptions,
  context: CliContext,
): Promise<void> {
  const server = serve && (await serveMirror(folder, serve.host, serve.port));
  if (server !== undefined) show(context, options, { url: server.address }, [server.address]);
  try {
    await keepMirroring(round, every, untilStopped(), context);
  } finally {
    await server?.stop();
  }
}

function showRound(mirrored: Mirrored, options: MirrorCommandOptions, context: CliContext): void {
  const { pin, missing } = mirrored;
  show(context, options, mirrored, [
    ...(options.tofu === true ? [`WARNING: trusted on first use: nobody vouches for ${pin.digest}`] : []),
    mirroredLine(mirrored),
    ...missing.map((digest) => `MISSING attachment ${digest}: the log does not have it`),
  ]);
  if (missing.length > 0) throw new AnswerIsNo("");
}
