// Puts a synthetic machine before the verifiers of TDX, NVIDIA and the binding, with a policy that fits one good machine.
import { decodeHex, encodeHex } from "../../src/protocol/encoding/hex.ts";
import type { GoldenTable } from "../../src/protocol/entry/golden-table.ts";
import { goldenTableDigest } from "../../src/protocol/entry/golden-table.ts";
import type { GpuRim } from "../../src/protocol/entry/kinds/gpu-rim.ts";
import type { SwitchRim } from "../../src/protocol/entry/kinds/switch-rim.ts";
import { type GpuRequirements, TD_ATTRIBUTE_RULES } from "../../src/protocol/entry/policy.ts";
import { encodeEvidence, type Machine } from "../../src/testing/index.ts";
import { type Check, CheckList } from "../../src/verifier/check-list.ts";
import { parseEvidence } from "../../src/verifier/evidence.ts";
import type { LoggedRim, LoggedSwitchRim } from "../../src/verifier/nvidia/compare-with-logged.ts";
import { checkGpuPolicy, readableGpus } from "../../src/verifier/nvidia/gpu-policy.ts";
import { checkSwitchPolicy, readableSwitches } from "../../src/verifier/nvidia/switch-policy.ts";
import { checkTopology } from "../../src/verifier/nvidia/topology.ts";
import { verifyGpuReport } from "../../src/verifier/nvidia/verify-report.ts";
import { verifySwitchReport } from "../../src/verifier/nvidia/verify-switch.ts";
import { verifyBinding } from "../../src/verifier/ra-tls/binding.ts";
import { gpuRequestNonce } from "../../src/verifier/ra-tls/own-binding.ts";
import { parseTdxQuote } from "../../src/verifier/tdx/quote.ts";
import { checkTdxPolicy, QUOTE_ALONE_POLICY } from "../../src/verifier/tdx/quote-policy.ts";
import { verifyTdxQuote } from "../../src/verifier/tdx/verify-quote.ts";

/** Every check on `shown` by a verifier that knows `good`: its roots, GPUs and golden tables. */
export async function judgeMachine(good: Machine, shown: Machine): Promise<Check[]> {
  const now = good.options.at;
  const evidence = parseEvidence(encodeEvidence(shown.evidence));
  const { quote, collateral } = evidence.tdx;
  const tdx = await verifyTdxQuote(quote, collateral, { now, root: shown.roots.intel });
  const tdxPolicy = checkTdxPolicy(tdx, {
    ...QUOTE_ALONE_POLICY,
    bodies: ["1.0", "1.5"],
    requiredAttributes: [...TD_ATTRIBUTE_RULES],
    minTcbEvaluationDataNumber: 19,
    minTeeTcbSvn: encodeHex(good.body.teeTcbSvn),
    mrSeam: { mode: "allow", values: [encodeHex(good.body.mrSeam)] },
  });
  const nonce = gpuRequestNonce(shown.channel.spki, shown.nonce);
  const root = shown.roots.nvidia;
  const results = await Promise.all(evidence.gpus.map((gpu) => verifyGpuReport(gpu, { now, nonce, root })));
  const gpus = results.map((result, i) => ({ result, evidence: evidence.gpus[i]! }));
  const ofSwitches = await Promise.all(
    evidence.switches.map((one) => verifySwitchReport(one, { now, nonce, root })),
  );
  const switches = ofSwitches.map((result, i) => ({ result, evidence: evidence.switches[i]! }));
  const { claims } = evidence;
  const wanted = gpuRequirements(good);
  const policyOptions = { now, claims, switches, rims: rimsOf(good), root };
  const { checks: gpuPolicy } = await checkGpuPolicy(gpus, wanted, policyOptions);
  const { checks: switchPolicy } = await checkSwitchPolicy(switches, wanted, {
    now,
    rims: switchRimsOf(good),
    root,
  });
  const readAll = results.every(isRead) && ofSwitches.every(isRead);
  const topology = checkTopology(
    readAll ? { gpus: readableGpus(gpus), switches: readableSwitches(switches) } : null,
    wanted,
  );
  const binding = new CheckList(["binding"]);
  await binding.attempt("binding", () =>
    verifyBinding(decodeHex(parseTdxQuote(quote).body.reportData), {
      format: "touchstone-binding/v1",
      channelKey: shown.channel.spki,
      nonce: shown.nonce,
      gpuClaims: claims,
    }),
  );
  return [
    tdx.checks,
    tdxPolicy,
    ...results.map((r) => r.checks),
    gpuPolicy,
    ...ofSwitches.map((r) => r.checks),
    switchPolicy,
    topology,
    binding.checks,
  ].flat() as Check[];
}

export function failedIds(checks: readonly Check[]): string[] {
  return checks.filter(({ outcome }) => outcome === "fail").map(({ id }) => id);
}

const isRead = ({ report, chain }: { report: unknown; chain: unknown }) => report !== null && chain !== null;

function switchRimsOf({ switches }: Machine): LoggedSwitchRim[] {
  return switches.map(({ vbiosVersion, goldenTable: table }) => ({
    rim: {
      table,
      tableDigest: goldenTableDigest(table),
      rim: { componentVersion: vbiosVersion },
    } as SwitchRim,
    entry: `switch-rim/vbios@${vbiosVersion}`,
  }));
}

function gpuRequirements(good: Machine): GpuRequirements {
  const { gpus, switches, vendors } = good;
  return {
    count: gpus.length,
    architecture: vendors.nvidia.architecture,
    mode: switches.length > 0 ? "ppcie" : "single",
    modeNotStated: "reject",
    switches:
      switches.length === 0
        ? null
        : {
            count: switches.length,
            vbiosVersions: switches.map(({ vbiosVersion }) => vbiosVersion),
            rimTables: switchRimsOf(good).map(({ rim }) => rim.tableDigest),
          },
    driverVersions: gpus.map((gpu) => gpu.driverVersion),
    vbiosVersions: gpus.map((gpu) => gpu.vbiosVersion),
    rimTables: rimsOf({ gpus, vendors }).map(({ rim }) => rim.tableDigest),
    fwids: gpus.map((gpu) => encodeHex(gpu.identity.fwid!)),
    ccMode: "on",
    devtools: false,
    revocation: "ocsp-stapled",
  };
}

function rimsOf({ gpus, vendors }: Pick<Machine, "gpus" | "vendors">): LoggedRim[] {
  const product = { hopper: "GH100", blackwell: "GB100", rubin: "GR100" }[vendors.nvidia.architecture];
  const rim = (covers: "driver" | "vbios", componentVersion: string, table: GoldenTable): LoggedRim => ({
    rim: {
      table,
      tableDigest: goldenTableDigest(table),
      rim: { covers, componentVersion, product },
    } as GpuRim,
    entry: `gpu-rim/${covers}@${componentVersion}`,
  });
  return gpus.flatMap(({ driverVersion, vbiosVersion, goldenTables }) => [
    rim("driver", driverVersion, goldenTables.driver),
    rim("vbios", vbiosVersion, goldenTables.vbios),
  ]);
}
