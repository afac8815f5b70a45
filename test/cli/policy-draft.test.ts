// From a known-good machine to a policy that trusts it and no other, with the commands that a policy owner types.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodePublicKeyPem } from "../../src/protocol/cryptography/signature.ts";
import { encodeHex } from "../../src/protocol/encoding/hex.ts";
import { makeEnvelope, preAuthEncoding } from "../../src/protocol/envelope/dsse.ts";
import { parseStatement, type StatementOf } from "../../src/protocol/envelope/statement.ts";
import { encodeEvidence, type Machine } from "../../src/testing/index.ts";
import type { Verdict } from "../../src/verifier/appraisal/verdict.ts";
import { formatTrustFile } from "../../src/verifier/bundle/trust-pin.ts";
import { machineOf, makeWorld } from "../support/appraisal-world.ts";
import type { TestKey } from "../support/keys.ts";
import { runCli } from "../support/run-cli.ts";
import { ServiceHarness } from "../support/service-harness.ts";
import { signStatement } from "../support/signing.ts";
import { trustRootPredicate } from "../support/trust-root.ts";

let folder: string;
let harness: ServiceHarness;
let good: Machine;
const path = (name: string) => join(folder, name);
const put = (name: string, content: string | Uint8Array) => {
  writeFileSync(path(name), content);
  return path(name);
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-draft-"));
  harness = await ServiceHarness.start();
  good = await machineOf();
  const { log } = await makeWorld(good);
  const release = log.envelopes.filter(
    ({ statement }) => !["trust-root", "policy", "status"].includes(statement.kind),
  );
  await harness.log.publish(release);
  put("evidence.json", encodeEvidence(good.evidence));
  put("intel.der", good.roots.intel);
  put("nvidia.der", good.roots.nvidia);
});
afterAll(async () => {
  await harness.stop();
  rmSync(folder, { recursive: true });
});

const cli = (...args: string[]) =>
  runCli(args, { fetch: async (input, init) => harness.app.request(String(input), init) });

const RELEASE = [
  ...["--os-image", "guest@1.0"],
  ...["--gsp-firmware", "gsp-ga10x@580.95.05"],
  ...["--gpu-rim", "rim-driver@580.95.05", "--gpu-rim", "rim-vbios@96.00.CF.00.01"],
];
const ROOTS = () => ["--intel-root", path("intel.der"), "--nvidia-root", path("nvidia.der")];
const SHAPE =
  "--machine-type q35 --vcpus 8 --memory 68719476736 --builder ci --source https://git.example".split(" ");
const fromEvidence = (evidence: string, ...more: string[]) =>
  cli(
    ...["policy", "draft", "prod", "--from-evidence", evidence, "--platform", "acme/h100@1"],
    ...["--platform-output", path("platform.json"), "-o", path("content.json")],
    ...[...RELEASE, ...SHAPE, ...ROOTS(), ...more],
  );

/** Signs a drafted payload, as `touchstone sign` would, and publishes it. */
async function publish(file: string, key: TestKey): Promise<void> {
  const payload = new Uint8Array(readFileSync(path(file)));
  const signature = await key.sign(preAuthEncoding(payload));
  await harness.log.publish([makeEnvelope(payload, [{ keyId: key.keyId, signature }])]);
}

async function appraise(machine: Machine): Promise<Verdict> {
  const root = await signStatement(
    "trust-root",
    await trustRootPredicate(harness.keys),
    harness.keys.root.slice(0, 1),
  );
  const files = [
    ...["--bundle", put("bundle.json", await (await harness.get("/v1/policies/prod")).text())],
    ...["--policy", "prod"],
    ...["--trust", put("trust-root.json", formatTrustFile(root))],
    ...["--evidence", put("shown.json", encodeEvidence(machine.evidence))],
    ...["--channel-key", put("channel.pem", encodePublicKeyPem(machine.channel.spki))],
  ];
  const run = await cli("appraise", ...files, "--nonce", encodeHex(machine.nonce), ...ROOTS(), "--json");
  return run.json<Verdict>();
}

describe("touchstone policy draft", () => {
  it("--from-evidence, sign, publish, draft --content, sign, publish: the machine is trusted, another is not", async () => {
    const observed = await fromEvidence(path("evidence.json"));
    expect(observed.exitCode, observed.warnings).toBe(0);
    expect(observed.output).toContain("platform acme/h100@1; review it, sign and publish it");
    await publish("platform.json", harness.keys.publisher);
    const drafted = await cli(
      "policy",
      "draft",
      "prod",
      "--content",
      path("content.json"),
      "-o",
      path("policy.json"),
    );
    expect(drafted.output).toContain("policy prod version 1");
    await publish("policy.json", harness.keys.policy);
    expect((await appraise(good)).verdict).toBe("trusted");
    const other = await appraise(await machineOf({ tdx: { body: { mrTd: new Uint8Array(48).fill(3) } } }));
    const failed = other.checks.find(({ outcome }) => outcome === "fail");
    expect(failed).toMatchObject({ id: "tuple.mrtd", entry: "platform/acme/h100@1" });
  });

  it("--requirements with chosen entries: kernel and driver follow from the image", async () => {
    const { profiles } = JSON.parse(readFileSync(path("content.json"), "utf8"));
    const { tdx, gpu, binding } = profiles[0];
    const requirements = put("requirements.json", JSON.stringify({ tdx, gpu, binding }));
    const run = await cli(
      ...["policy", "draft", "prod", "--requirements", requirements, "--platform", "acme/h100@1"],
      ...["--profile", "h100", "-o", path("second.json"), "--json"],
      ...RELEASE,
    );
    expect(run.json()).toEqual({
      output: path("second.json"),
      name: "prod",
      version: 2,
      origin: "log.example/touchstone",
    });
    const { predicate } = parseStatement(
      new Uint8Array(readFileSync(path("second.json"))),
    ) as StatementOf<"policy">;
    expect(predicate.profiles[0]).toMatchObject({
      id: "h100",
      kernelPatchSet: { name: "linux-cc", version: "6.12.1" },
      driverBuild: { name: "nvidia-open", version: "580.95.05" },
    });
  });

  it("refuses a machine whose quote is not genuine at that time: exit 1, and nothing is written", async () => {
    rmSync(path("content.json"));
    const late = await fromEvidence(path("evidence.json"), "--as-of", "2027-06-01T00:00:00Z");
    expect(late.exitCode).toBe(1);
    expect(late.warnings).toContain("the quote is not genuine: tdx.collateral.window");
    expect(() => readFileSync(path("content.json"))).toThrow();
  });

  it.each<[string, string[], RegExp]>([
    ["nothing to draft from", [], /give one of --content, --requirements and --from-evidence/],
    ["two things", ["--content", "x", "--requirements", "y"], /give one of/],
    ["evidence without a release", ["--from-evidence", "x"], /name the release/],
    ["evidence without a shape", ["--from-evidence", "x", ...RELEASE, "--platform", "a@1"], /--machine-type/],
  ])("%s: exit 2", async (_, args, message) => {
    const run = await cli("policy", "draft", "prod", "-o", path("x.json"), ...args);
    expect([run.exitCode, run.warnings]).toEqual([2, expect.stringMatching(message)]);
  });

  it("an entry that the log does not have: exit 2, named", async () => {
    const run = await fromEvidence(path("evidence.json"), "--gpu-rim", "none@1");
    expect([run.exitCode, run.warnings]).toEqual([
      2,
      expect.stringContaining("the log has no gpu-rim/none@1"),
    ]);
  });
});
