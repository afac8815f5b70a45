// Puts a synthetic machine before the verifiers of TDX, NVIDIA and the binding, with a policy that fits one good machine.
import { decodeHex, encodeHex } from "../../src/protocol/encoding/hex.ts";
import type { GoldenTable, GpuRim } from "../../src/protocol/entry/kinds/gpu-rim.ts";
import { goldenTableDigest } from "../../src/protocol/entry/kinds/gpu-rim.ts";
import { type GpuRequirements, TD_ATTRIBUTE_RULES } from "../../src/protocol/entry/policy.ts";
import { encodeEvidence, type Machine } from "../../src/testing/index.ts";
import { type Check, CheckList } from "../../src/verifier/check-list.ts";
import { parseEvidence } from "../../src/verifier/evidence.ts";
import type { LoggedRim } from "../../src/verifier/nvidia/compare-with-logged.ts";
import { checkGpuPolicy } from "../../src/verifier/nvidia/gpu-policy.ts";
import { verifyGpuReport } from "../../src/verifier/nvidia/verify-report.ts";
import { gpuRequestNonce, verifyBinding } from "../../src/verifier/ra-tls/binding.ts";
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
  const { claims } = evidence;
  const { checks: gpuPolicy } = await checkGpuPolicy(gpus, gpuRequirements(good), {
    now,
    claims,
    switches: evidence.switches.map(({ report }) => report),
    rims: rimsOf(good),
    root,
  });
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
    binding.checks,
  ].flat() as Check[];
}

export function failedIds(checks: readonly Check[]): string[] {
  return checks.filter(({ outcome }) => outcome === "fail").map(({ id }) => id);
}

function gpuRequirements({ gpus, vendors }: Machine): GpuRequirements {
  return {
    count: gpus.length,
    architecture: vendors.nvidia.architecture,
    mode: "single",
    modeNotStated: "reject",
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
  const product = vendors.nvidia.architecture === "hopper" ? "GH100" : "GB100";
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
