// A log with a policy that fits one synthetic machine, and a second profile that fits another: what tests of appraisal judge with.
import { encodeHex } from "../../src/protocol/encoding/hex.ts";
import type { GoldenTable } from "../../src/protocol/entry/golden-table.ts";
import { goldenTableDigest } from "../../src/protocol/entry/golden-table.ts";
import type { Predicate } from "../../src/protocol/entry/kinds.ts";
import type { GpuRequirements, Profile, TdxRequirements } from "../../src/protocol/entry/policy.ts";
import type { ReleaseKind } from "../../src/protocol/entry/release-kinds.ts";
import type { Envelope } from "../../src/protocol/envelope/dsse.ts";
import {
  bootEvents,
  encodeEvidence,
  type Machine,
  type MachineOptions,
  type MeasuredEvent,
  makeMachine,
  makeVendors,
  replayEvents,
  type SyntheticGpu,
  type SyntheticSwitch,
  type TdBody,
  type Vendors,
} from "../../src/testing/index.ts";
import { type AppraiseOptions, appraiseEvidence } from "../../src/verifier/appraisal/appraise.ts";
import type { Verdict } from "../../src/verifier/appraisal/verdict.ts";
import type { TrustPin } from "../../src/verifier/bundle/trust-pin.ts";
import { type VerifiedBundle, verifyBundle } from "../../src/verifier/bundle/verify-bundle.ts";
import { NOW } from "./clock.ts";
import { policyPredicate, statusPredicate } from "./document-predicates.ts";
import { type TestKeys, testKeys } from "./keys.ts";
import {
  driverPredicate,
  gpuRimPredicate,
  gspPredicate,
  kernelPredicate,
  osImagePredicate,
  platformPredicate,
  switchRimPredicate,
} from "./release-predicates.ts";
import { signReleaseSet } from "./release-set.ts";
import { referenceOf, signStatement } from "./signing.ts";
import { bundleBytes, SmallLog } from "./small-log.ts";
import { trustRootPredicate } from "./trust-root.ts";
import { ORIGIN } from "./witnesses.ts";

/** What a test may change in the first profile. */
export interface ProfileChange {
  readonly tdx?: Partial<TdxRequirements>;
  readonly gpu?: Partial<GpuRequirements>;
  readonly binding?: Partial<Profile["binding"]>;
}

/** What a policy has to know of a machine to fit it. */
export interface KnownMachine {
  readonly body: TdBody;
  readonly gpus: ReadonlyArray<
    Pick<SyntheticGpu, "driverVersion" | "vbiosVersion" | "goldenTables"> & {
      readonly identity: Pick<SyntheticGpu["identity"], "fwid">;
    }
  >;
  readonly switches?: ReadonlyArray<Pick<SyntheticSwitch, "vbiosVersion" | "goldenTable">>;
  readonly vendors: { readonly nvidia: Pick<Vendors["nvidia"], "architecture"> };
}

export interface World {
  readonly keys: TestKeys;
  readonly log: SmallLog;
  readonly pin: TrustPin;
  readonly bundle: Uint8Array;
  readonly verified: VerifiedBundle;
}

let shared: Promise<Vendors> | undefined;
/** Vendors that all machines of a test file share: making them takes longer than anything else. */
export function vendors(): Promise<Vendors> {
  shared ??= makeVendors(NOW);
  return shared;
}

export async function machineOf(options: Partial<MachineOptions> = {}): Promise<Machine> {
  return makeMachine({ at: NOW, vendors: await vendors(), ...options });
}

/** A log whose policy "production" has the profile "first", which fits `good`, and "second", for another image on another platform. */
export async function makeWorld(
  good: KnownMachine,
  change: ProfileChange = {},
  now: Date = NOW,
): Promise<World> {
  const keys = await testKeys();
  const log = new SmallLog();
  const add = async (envelope: Envelope) => {
    await log.add(envelope);
    return envelope;
  };
  const publish = async <K extends ReleaseKind>(kind: K, predicate: Predicate<K>) =>
    referenceOf<K>(await add(await signStatement(kind, predicate, [keys.publisher])));
  const trustRoot = await add(
    await signStatement("trust-root", await trustRootPredicate(keys), [keys.root[0]]),
  );
  const kernelPatchSet = await publish("kernel-patch-set", kernelPredicate());
  const driverBuild = await publish("driver-build", driverPredicate(kernelPatchSet));
  const gspFirmware = await publish("gsp-firmware", gspPredicate());
  const [gpu] = good.gpus;
  const rims = gpu === undefined ? [] : rimPredicates(good);
  const gpuRims: Profile["gpuRims"] = [];
  for (const rim of rims) gpuRims.push(await publish("gpu-rim", rim));
  const switchRims: Profile["switchRims"] = [];
  for (const rim of switchRimPredicates(good)) switchRims.push(await publish("switch-rim", rim));

  const template = policyPredicate(await signReleaseSet(keys), {}, now);
  const base = template.profiles[0]!;
  const profile = async (id: string, platform: Predicate<"platform">, image: Predicate<"os-image">) => ({
    ...base,
    id,
    kernelPatchSet,
    driverBuild,
    gspFirmware,
    gpuRims,
    switchRims,
    platforms: [await publish("platform", platform)],
    osImage: await publish("os-image", image),
    gpu: { ...requirementsOf(good), ...change.gpu },
    tdx: { ...tdxOf(good, base.tdx), ...change.tdx },
    binding: { ...base.binding, ...change.binding },
  });
  const image = osImagePredicate(kernelPatchSet, driverBuild);
  const profiles = [
    await profile("first", platformOf(good), {
      ...image,
      measurements: image.measurements.map((row) => ({
        ...row,
        rtmr1: encodeHex(good.body.rtmr1),
        rtmr2: encodeHex(good.body.rtmr2),
      })),
    }),
    await profile("second", platformPredicate("other-vm"), {
      ...image,
      version: "2.0",
      measurements: image.measurements.map((row) => ({ ...row, ...imageRegisters(bootEvents(OTHER_IMAGE)) })),
    }),
  ];
  await add(await signStatement("policy", { ...template, profiles }, [keys.policy]));
  await add(await signStatement("status", statusPredicate(log.inForce, {}, now), [keys.status]));
  const pin = { origin: ORIGIN, version: 1, digest: trustRoot.payloadDigest };
  const checkpoint = await log.checkpoint(undefined, now);
  const bundle = bundleBytes(await log.bundle("production", { checkpoint }));
  const verified = await verifyBundle(bundle, { pin, policy: "production", now, remembered: null });
  return { keys, log, pin, bundle, verified };
}

/** The image of the profile "second": pass its boot events to make a machine that runs it. */
export const OTHER_IMAGE = "synthetic image 2";

/** What a verifier knows that talks to this machine: its channel key, the challenge it sent, the made-up roots, the time. */
export function optionsFor({ channel, nonce, roots }: Machine): AppraiseOptions {
  return { now: NOW, nonce, channel: { type: "tls-spki", key: channel.spki }, roots };
}

/** Appraises the evidence that a machine shows. */
export function judge(
  { verified }: World,
  shown: Machine,
  change: Partial<AppraiseOptions> = {},
): Promise<Verdict> {
  return appraiseEvidence(verified, encodeEvidence(shown.evidence), { ...optionsFor(shown), ...change });
}

export function failedIds({ checks }: Pick<Verdict, "checks">): string[] {
  return checks.filter(({ outcome }) => outcome === "fail").map(({ id }) => id);
}

function platformOf({ body }: KnownMachine): Predicate<"platform"> {
  return {
    ...platformPredicate(),
    mrtd: encodeHex(body.mrTd),
    rtmr0: encodeHex(body.rtmr0),
    tdAttributes: encodeHex(body.tdAttributes),
    xfam: encodeHex(body.xfam),
  };
}

function imageRegisters(events: readonly MeasuredEvent[]): { rtmr1: string; rtmr2: string } {
  const [, rtmr1, rtmr2] = replayEvents(events);
  return { rtmr1: encodeHex(rtmr1), rtmr2: encodeHex(rtmr2) };
}

function tdxOf({ body }: KnownMachine, base: TdxRequirements): TdxRequirements {
  return {
    ...base,
    minTcbEvaluationDataNumber: 19,
    minTeeTcbSvn: encodeHex(body.teeTcbSvn),
    mrSeam: { mode: "allow", values: [encodeHex(body.mrSeam)] },
  };
}

function requirementsOf({ gpus, switches = [], vendors: { nvidia } }: KnownMachine): GpuRequirements {
  return {
    count: gpus.length,
    architecture: nvidia.architecture,
    mode: switches.length > 0 ? "ppcie" : "single",
    modeNotStated: "reject",
    switches:
      switches.length === 0
        ? null
        : {
            count: switches.length,
            vbiosVersions: distinct(switches.map(({ vbiosVersion }) => vbiosVersion)),
            rimTables: distinct(switches.map(({ goldenTable }) => goldenTableDigest(goldenTable))),
          },
    driverVersions: distinct(gpus.map((gpu) => gpu.driverVersion)),
    vbiosVersions: distinct(gpus.map((gpu) => gpu.vbiosVersion)),
    rimTables: distinct(
      gpus.flatMap(({ goldenTables: { driver, vbios } }) => [driver, vbios].map(goldenTableDigest)),
    ),
    fwids: distinct(gpus.map(({ identity }) => encodeHex(identity.fwid ?? new Uint8Array(48)))),
    ccMode: "on",
    devtools: false,
    revocation: "ocsp-stapled",
  };
}

function rimPredicates({ gpus, vendors: { nvidia } }: KnownMachine): Predicate<"gpu-rim">[] {
  const product = { hopper: "GH100", blackwell: "GB100", rubin: "GR100" }[nvidia.architecture];
  const { driverVersion, vbiosVersion, goldenTables } = gpus[0]!;
  const rim = (covers: "driver" | "vbios", version: string, table: GoldenTable): Predicate<"gpu-rim"> => {
    const made = gpuRimPredicate(`rim-${covers}`, version);
    const tableDigest = goldenTableDigest(table);
    return { ...made, table, tableDigest, rim: { ...made.rim, covers, componentVersion: version, product } };
  };
  return [rim("driver", driverVersion, goldenTables.driver), rim("vbios", vbiosVersion, goldenTables.vbios)];
}

function switchRimPredicates({ switches = [] }: KnownMachine): Predicate<"switch-rim">[] {
  const [one] = switches;
  if (one === undefined) return [];
  const made = switchRimPredicate("rim-switch", one.vbiosVersion);
  const { goldenTable: table } = one;
  return [{ ...made, table, tableDigest: goldenTableDigest(table) }];
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
