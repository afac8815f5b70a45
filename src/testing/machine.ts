// Makes a whole synthetic machine: keys, CPU and GPU evidence that belong together, bound to a channel key and a nonce by
// touchstone-binding/v1. Its vendors are made up on the spot, so production trust roots can never accept it.
import { sha256, sha512 } from "../protocol/cryptography/hash.ts";
import { encodeBase64 } from "../protocol/encoding/base64.ts";
import { concatBytes } from "../protocol/encoding/bytes.ts";
import { encodeHex } from "../protocol/encoding/hex.ts";
import { utf8 } from "../protocol/encoding/text.ts";
import { canonicalize } from "../protocol/envelope/canonical-json.ts";
import type { EvidenceDocument, GpuClaims } from "../verifier/evidence.ts";
import type { GpuArchitecture } from "../verifier/nvidia/certificate-chain.ts";
import { type KeyPair, makeKeyPair, type Validity } from "./authority.ts";
import { bootEvents, type MeasuredEvent, makeCcel, makeDstackLog, replayEvents } from "./event-log.ts";
import { type GpuOptions, makeGpu, type SyntheticGpu } from "./gpu.ts";
import { type IntelAuthority, makeCollateral, makeIntelAuthority, makePckCertificate } from "./intel.ts";
import { makeNvidiaAuthority, type NvidiaAuthority, randomPdi } from "./nvidia.ts";
import { makeCommonAnswers } from "./stapled.ts";
import { makeSwitch, type SwitchOptions, type SyntheticSwitch } from "./switch.ts";
import {
  defaultBody,
  defaultPlatform,
  defaultQeIdentity,
  defaultQeReport,
  defaultTcbInfo,
  type SyntheticTdxOptions,
} from "./tdx-defaults.ts";
import { makeTdxQuote, type TdBody } from "./tdx-quote.ts";

/**
 * The made-up vendors whose roots a test pins.
 * @example
 * ```ts
 * import type { Vendors } from "touchstone/testing";
 * const rootsOf = ({ intel, nvidia }: Vendors): Uint8Array[] => [intel.root.der, nvidia.root.der];
 * ```
 */
export interface Vendors {
  readonly intel: IntelAuthority;
  readonly nvidia: NvidiaAuthority<GpuArchitecture>;
  /** The same NVIDIA's CAs for its switches, under the same root. */
  readonly switches: NvidiaAuthority;
}

/**
 * @example
 * ```ts
 * import type { MachineOptions } from "touchstone/testing";
 * const options: MachineOptions = { at: new Date(), gpus: [{}, {}] };
 * ```
 */
export interface MachineOptions {
  /** The time at which everything is valid: collateral for a day before and 29 after, OCSP answers for 24 hours. */
  readonly at: Date;
  /** Made anew when absent. Pass those of another machine to share its roots. */
  readonly vendors?: Vendors;
  /** The key of the TLS or HPKE channel; a new P-256 key when absent. */
  readonly channel?: KeyPair;
  /** 32 bytes; random when absent. */
  readonly nonce?: Uint8Array;
  readonly tdx?: SyntheticTdxOptions;
  readonly events?: readonly MeasuredEvent[];
  /** How the event log is written; `none` leaves it out. */
  readonly eventLog?: "ccel" | "dstack" | "none";
  /** One Hopper GPU when absent. */
  readonly gpus?: readonly GpuOptions[];
  /** The NVSwitches between the GPUs, which are in PPCIE then; none when absent. */
  readonly switches?: readonly SwitchOptions[];
  /** What the guest says where it differs from the truth of an honest one. */
  readonly claims?: Partial<GpuClaims>;
}

/**
 * @example
 * ```ts
 * import type { Machine } from "touchstone/testing";
 * const rootsOf = ({ roots }: Machine): Machine["roots"] => roots; // for AppraiseOptions.roots: made-up evidence passes under no other
 * ```
 */
export interface Machine {
  /** The value of `evidence.json`. */
  readonly evidence: EvidenceDocument;
  /** DER certificates of the roots to pin instead of the vendors' real ones. */
  readonly roots: { readonly intel: Uint8Array; readonly nvidia: Uint8Array };
  readonly vendors: Vendors;
  readonly channel: KeyPair;
  readonly nonce: Uint8Array;
  readonly body: TdBody;
  readonly events: readonly MeasuredEvent[];
  readonly gpus: readonly SyntheticGpu[];
  readonly switches: readonly SyntheticSwitch[];
  readonly options: MachineOptions;
}

/**
 * The common board: eight GPUs in PPCIE with four NVSwitches between them.
 * @example
 * ```ts
 * import { makeMachine, WHOLE_BOARD } from "touchstone/testing";
 * const machine = await makeMachine({ at: new Date(), ...WHOLE_BOARD });
 * ```
 */
export const WHOLE_BOARD: Pick<MachineOptions, "gpus" | "switches"> = {
  gpus: Array.from({ length: 8 }, () => ({})),
  switches: Array.from({ length: 4 }, () => ({})),
};

const DAY = 86_400_000;

/**
 * Makes vendors whose certificates are valid for the year before `at` and five after.
 * @example
 * ```ts
 * import { makeMachine, makeVendors } from "touchstone/testing";
 * const vendors = await makeVendors(new Date());
 * const machines = await Promise.all([1, 2].map(() => makeMachine({ at: new Date(), vendors })));
 * ```
 */
export async function makeVendors(at: Date, architecture: GpuArchitecture = "hopper"): Promise<Vendors> {
  const validity = certificateValidity(at);
  const [intel, nvidia] = await Promise.all([
    makeIntelAuthority(validity),
    makeNvidiaAuthority(architecture, validity),
  ]);
  return { intel, nvidia, switches: await makeNvidiaAuthority("ls10", validity, nvidia.root) };
}

/**
 * Makes a machine that an honest policy accepts, but for what the options change.
 * @example
 * ```ts
 * import { makeMachine, tamper } from "touchstone/testing";
 * const machine = await makeMachine({ at: new Date() });
 * const [good, bad] = [machine, await tamper(machine, "quote-edited")];
 * ```
 */
export async function makeMachine(given: MachineOptions): Promise<Machine> {
  const options = named(given);
  const vendors = options.vendors ?? (await makeVendors(options.at));
  const channel = options.channel ?? (await makeKeyPair("P-256"));
  const nonce = options.nonce ?? crypto.getRandomValues(new Uint8Array(32));
  const keyHash = sha256(channel.spki);

  const { gpus, switches } = await makeDevices(options, vendors, sha256(concatBytes(keyHash, nonce)));
  const claims: GpuClaims = {
    ccMode: "on",
    devtools: false,
    mode: switches.length > 0 ? "ppcie" : "single",
    reports: gpus.map((gpu) => encodeHex(sha256(gpu.report))),
    switches: switches.map((one) => encodeHex(sha256(one.report))),
    ...options.claims,
  };

  const events = options.events ?? bootEvents("synthetic image 1");
  const body = makeBody(options, events, reportData(keyHash, nonce, claims));
  const tdx = await makeTdxEvidence(options, vendors.intel, body, events);
  const evidence = {
    version: 1 as const,
    tdx,
    gpus: gpus.map((gpu) => gpu.evidence),
    switches: switches.map((one) => one.evidence),
    nonce: encodeHex(nonce),
    claims,
  };
  const roots = { intel: vendors.intel.root.der, nvidia: vendors.nvidia.root.der };
  return { evidence, roots, vendors, channel, nonce, body, events, gpus, switches, options };
}

/** Names every device that has no name, so that the machine is the same when it is made again. */
function named(
  options: MachineOptions,
): MachineOptions & Required<Pick<MachineOptions, "gpus" | "switches">> {
  const withName = <T extends { readonly pdi?: string }>(device: T) => ({
    ...device,
    pdi: device.pdi ?? randomPdi(),
  });
  return {
    ...options,
    gpus: (options.gpus ?? [{}]).map(withName<GpuOptions>),
    switches: (options.switches ?? []).map(withName<SwitchOptions>),
  };
}

/** GPUs and switches, each linked to all of the others. */
async function makeDevices(
  { at, gpus, switches }: ReturnType<typeof named>,
  vendors: Vendors,
  requestNonce: Uint8Array,
): Promise<Pick<Machine, "gpus" | "switches">> {
  const pdis = (devices: ReadonlyArray<{ readonly pdi?: string }>) => devices.flatMap(({ pdi }) => pdi ?? []);
  const ofGpu = { mode: switches.length > 0 ? "ppcie" : "single", switches: pdis(switches) } as const;
  const ofSwitch = { gpus: pdis(gpus) };
  const [ofGpus, ofSwitches] = await Promise.all([
    makeCommonAnswers(vendors.nvidia, at),
    makeCommonAnswers(vendors.switches, at),
  ]);
  return {
    gpus: await Promise.all(
      gpus.map((gpu) => makeGpu(vendors.nvidia, requestNonce, at, { ...ofGpu, ...gpu }, ofGpus)),
    ),
    switches: await Promise.all(
      switches.map((one) =>
        makeSwitch(vendors.switches, requestNonce, at, { ...ofSwitch, ...one }, ofSwitches),
      ),
    ),
  };
}

/**
 * `evidence.json` as bytes.
 * @example
 * ```ts
 * import { encodeEvidence, makeMachine } from "touchstone/testing";
 * const { evidence } = await makeMachine({ at: new Date() });
 * const bytes = encodeEvidence(evidence);
 * ```
 */
export function encodeEvidence(evidence: EvidenceDocument): Uint8Array {
  return utf8(JSON.stringify(evidence));
}

/** touchstone-binding/v1, written a second time so that maker and verifier check each other. */
function reportData(keyHash: Uint8Array, nonce: Uint8Array, claims: GpuClaims): Uint8Array {
  return sha512(
    concatBytes(utf8("touchstone-binding/v1\0"), keyHash, nonce, sha256(utf8(canonicalize(claims)))),
  );
}

function makeBody(options: MachineOptions, events: readonly MeasuredEvent[], reportData: Uint8Array): TdBody {
  const [rtmr0, rtmr1, rtmr2, rtmr3] = replayEvents(events);
  return { ...defaultBody(), rtmr0, rtmr1, rtmr2, rtmr3, reportData, ...options.tdx?.body };
}

async function makeTdxEvidence(
  options: MachineOptions,
  intel: IntelAuthority,
  body: TdBody,
  events: readonly MeasuredEvent[],
): Promise<EvidenceDocument["tdx"]> {
  const { at, tdx = {}, eventLog = "ccel" } = options;
  const platform = { ...defaultPlatform(), ...tdx.platform };
  const pck = await makePckCertificate(intel, platform, tdx.pckValidity ?? certificateValidity(at));
  const chain = pck.pem + intel.platformCa.pem + intel.root.pem;
  const quote = await makeTdxQuote(
    { pck, chain },
    { form: "v4", ...tdx.quote, body, qeReport: { ...defaultQeReport(), ...tdx.qeReport } },
  );
  const collateral = await makeCollateral(intel, {
    crlThisUpdate: new Date(at.getTime() - DAY),
    crlNextUpdate: new Date(at.getTime() + 29 * DAY),
    ...tdx.crls,
    revokedByPlatformCa: tdx.revokePck ? [pck.serial] : [],
    tcbInfo: { ...defaultTcbInfo(at), ...tdx.tcbInfo },
    qeIdentity: { ...defaultQeIdentity(at), ...tdx.qeIdentity },
  });
  if (eventLog === "none") return { quote: encodeBase64(quote), collateral };
  const data = encodeBase64(eventLog === "ccel" ? makeCcel(events) : makeDstackLog(events));
  return { quote: encodeBase64(quote), collateral, eventLog: { format: eventLog, data } };
}

/** The year before `at` and five after. */
export function certificateValidity(at: Date): Validity {
  return {
    notBefore: new Date(at.getTime() - 365 * DAY),
    notAfter: new Date(at.getTime() + 5 * 365 * DAY),
  };
}
