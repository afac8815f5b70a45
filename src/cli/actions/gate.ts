// Runs the local proxy in front of a machine, or appraises the machine once as the proxy would.
import { createGate, type Gate, GateError, type GateOptions } from "../../gate/index.ts";
import { type RunningProxy, startProxy } from "../../gate/proxy/proxy.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import { reasonOf, type Verdict } from "../../verifier/appraisal/verdict.ts";
import { createMemoryStore } from "../../verifier/bundle/state-store.ts";
import { parseTrustFile } from "../../verifier/bundle/trust-pin.ts";
import { NVIDIA_DEVICE_ROOT } from "../../verifier/nvidia/device-root.ts";
import { UnreachableError } from "../../verifier/service-errors.ts";
import { INTEL_SGX_ROOT_CA } from "../../verifier/tdx/intel-root.ts";
import { createFileStore } from "../../verifier-node/file-state.ts";
import { verdictLines } from "../check-lines.ts";
import { AnswerIsNo, type CliContext, show, UsageError } from "../context.ts";
import { readOwn } from "../files.ts";
import { readTestingRoot } from "../testing-root.ts";

interface Options {
  readonly to: string;
  readonly log: string;
  readonly policy: string;
  readonly trust: string;
  readonly state?: string;
  readonly listen: { readonly host: string; readonly port: number };
  readonly listenAnywhere?: boolean;
  readonly name?: readonly string[];
  readonly maxVerdictAge: number;
  readonly statusMaxAge: number;
  readonly timeout: number;
  readonly webPki?: boolean;
  readonly ca?: string;
  readonly proxy?: string;
  readonly once?: boolean;
  readonly intelRoot?: string;
  readonly nvidiaRoot?: string;
  readonly json?: boolean;
}

/** Time that replies under way get when the proxy is told to stop, milliseconds. */
const GRACE_MS = 10_000;

export async function runGate(options: Options, context: CliContext): Promise<void> {
  requireLoopback(options);
  const settings = await readSettings(options, context);
  if (options.once === true) return appraiseOnce(options, settings, context);
  await serve(options, settings, context);
}

function requireLoopback({ listen, listenAnywhere }: Options): void {
  if (listenAnywhere === true || /^(?:localhost|127\.[0-9.]+|::1)$/.test(listen.host)) return;
  throw new UsageError(
    `--listen ${listen.host}: other machines reach that, and what they send to it is not encrypted; say --listen-anywhere where that is meant`,
  );
}

async function readSettings(options: Options, context: CliContext): Promise<GateOptions> {
  const pin = readOwn(options.trust, parseTrustFile);
  const store = options.state === undefined ? createMemoryStore() : createFileStore(options.state);
  // A state that cannot be read is a fault of this machine, and is said before anybody is asked.
  await store.load(pin.origin);
  const ca = options.ca === undefined ? undefined : readOwn(options.ca, decodeUtf8);
  const intel = readTestingRoot("intel", options.intelRoot, context);
  const nvidia = readTestingRoot("nvidia", options.nvidiaRoot, context);
  const { to, log, policy, maxVerdictAge, statusMaxAge, timeout, proxy } = options;
  return {
    to,
    log,
    policy,
    pin,
    store,
    maxVerdictAge,
    statusMaxAge,
    timeout,
    proxy,
    tls: { webPki: options.webPki, ca },
    now: context.now,
    fetch: context.fetch,
    ...((intel ?? nvidia) && {
      roots: { intel: intel ?? INTEL_SGX_ROOT_CA, nvidia: nvidia ?? NVIDIA_DEVICE_ROOT },
    }),
  };
}

/** @throws UsageError where `to` leads nowhere that a gate may lead to. */
function openGate(settings: GateOptions): Gate {
  try {
    return createGate(settings);
  } catch (error) {
    throw new UsageError(`--to: ${error instanceof Error ? error.message : "is no origin"}`);
  }
}

async function appraiseOnce(options: Options, settings: GateOptions, context: CliContext): Promise<void> {
  const gate = openGate(settings);
  try {
    const { verdict } = await gate.appraise();
    show(context, options, verdict, verdictLines(verdict));
  } catch (error) {
    if (!(error instanceof GateError)) throw error;
    if (error.verdict === null) throw asCliError(error);
    show(context, options, error.verdict, verdictLines(error.verdict));
    throw new AnswerIsNo("");
  } finally {
    await gate.close();
  }
}

function asCliError({ code, message }: GateError): Error {
  const unanswered = code === "unreachable" || code === "evidence.timeout";
  return unanswered ? new UnreachableError(message) : new AnswerIsNo(message, code);
}

async function serve(options: Options, settings: GateOptions, context: CliContext): Promise<void> {
  let proxy: RunningProxy | undefined;
  const onVerdict = (verdict: Verdict) => {
    proxy?.onVerdict(verdict);
    const reason = reasonOf(verdict.checks);
    if (reason !== null) context.warn(`rejected: ${reason}`);
  };
  const gate = openGate({ ...settings, onVerdict });
  const { listen, name = [] } = options;
  proxy = await startProxy({ gate, to: new URL(options.to).origin, ...listen, names: name });
  await sayStart(proxy.address, gate, options, context);
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => resolve());
  });
  await proxy.stop(GRACE_MS);
  await gate.close();
}

/** One line. A machine that is refused now may be appraised with the next request: the proxy serves on either way. */
async function sayStart(address: string, gate: Gate, options: Options, context: CliContext): Promise<void> {
  const { to } = options;
  const begun = await gate.appraise().catch((error: unknown) => {
    if (error instanceof GateError) return error;
    throw error;
  });
  if (begun instanceof GateError) {
    const { code, message } = begun;
    const refused = { url: address, to, verdict: "refused", code, message };
    return show(context, options, refused, [`${address} → ${to}: nothing passes: ${message}`]);
  }
  const { verdict, until } = begun;
  const { profile, policy } = verdict;
  const text = `trusted, profile ${profile}, policy ${policy?.name} version ${policy?.version}, until ${until}`;
  show(context, options, { url: address, to, verdict: "trusted", profile, policy, until }, [
    `${address} → ${to}: ${text}`,
  ]);
}
