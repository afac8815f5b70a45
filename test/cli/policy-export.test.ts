// touchstone policy export, and appraise's --ear and --svr, as a user runs them: nothing is written of what did not verify.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generateSigningKey, parseSigningKey } from "../../src/node/signing/signing-key.ts";
import { encodePublicKeyPem } from "../../src/protocol/cryptography/signature.ts";
import { encodeHex } from "../../src/protocol/encoding/hex.ts";
import { encodeEvidence, type Machine, tamper } from "../../src/testing/index.ts";
import { formatTrustFile } from "../../src/verifier/bundle/trust-pin.ts";
import { POLICY_VIEWS } from "../../src/views/list.ts";
import { machineOf, makeWorld } from "../support/appraisal-world.ts";
import { NOW } from "../support/clock.ts";
import { runCli } from "../support/run-cli.ts";

let folder: string;
let good: Machine;
const key = generateSigningKey();
const path = (name: string) => join(folder, name);
const put = (name: string, content: string | Uint8Array) =>
  writeFileSync(path(name), content, { mode: 0o600 });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-export-"));
  good = await machineOf();
  const world = await makeWorld(good);
  put("bundle.json", world.bundle);
  put("trust-root.json", formatTrustFile(world.log.envelopes[0]!));
  put("key.pem", key);
  put("intel.der", good.roots.intel);
  put("nvidia.pem", good.vendors.nvidia.root.pem);
});
afterAll(() => rmSync(folder, { recursive: true }));

const BUNDLE = () => [
  "--bundle",
  path("bundle.json"),
  "--policy",
  "production",
  "--trust",
  path("trust-root.json"),
];
const exportTo = (format: string, output: string, ...args: string[]) =>
  runCli(["policy", "export", "--format", format, ...BUNDLE(), "-o", path(output), ...args]);

describe("policy export", () => {
  test.each(POLICY_VIEWS.map(({ format }) => format))(
    "writes %s, and says what is not in it and until when it is good",
    async (format) => {
      const run = await exportTo(format, `out.${format}`);
      expect([run.exitCode, run.warnings]).toEqual([0, ""]);
      expect(readFileSync(path(`out.${format}`)).length).toBeGreaterThan(100);
      expect(run.output).toContain("2 tuple(s) of policy/production@1");
      expect(run.output).toMatch(/export it again before 20\d\d-/);
      expect(run.output.match(/not in it:/g)?.length).toBe(
        POLICY_VIEWS.find((view) => view.format === format)?.cannotSay.length,
      );
    },
  );

  test("offers every format that there is, and no other", async () => {
    const run = await exportTo("tinfoil", "out.tinfoil");
    expect(run.exitCode).toBe(2);
    for (const { format } of POLICY_VIEWS) expect(run.warnings).toContain(format);
    expect(run.warnings.match(/Allowed choices are ([^.]*)\./)?.[1]?.split(", ")).toEqual(
      POLICY_VIEWS.map(({ format }) => format),
    );
  });

  test("signs a CoRIM, and nothing that has no signature", async () => {
    expect((await exportTo("corim", "signed.corim", "--sign", path("key.pem"))).exitCode).toBe(0);
    expect(readFileSync(path("signed.corim"))[0]).toBe(0xd2);
    const refused = await exportTo("rvps", "signed.rvps", "--sign", path("key.pem"));
    expect([refused.exitCode, existsSync(path("signed.rvps"))]).toEqual([2, false]);
    expect(refused.warnings).toContain("--sign is for corim");
  });

  test("writes nothing of a bundle that does not verify", async () => {
    const run = await runCli([
      ...["policy", "export", "--format", "rvps"],
      ...BUNDLE(),
      "--policy",
      "staging",
      "-o",
      path("no.json"),
    ]);
    expect(run.exitCode).not.toBe(0);
    const late = await exportTo("rvps", "no.json", "--now", "2031-01-01T00:00:00Z");
    expect([late.exitCode, existsSync(path("no.json"))]).toEqual([1, false]);
  });

  test("makes a union of several bundles, where the format has one, each with its own policy's name", async () => {
    const twice = [
      "--bundle",
      path("bundle.json"),
      path("bundle.json"),
      "--policy",
      "production",
      "production",
    ];
    const run = (format: string, ...args: string[]) =>
      runCli([
        "policy",
        "export",
        "--format",
        format,
        "--trust",
        path("trust-root.json"),
        ...args,
        "-o",
        path("union"),
      ]);
    expect((await run("rvps", ...twice)).exitCode).toBe(0);
    expect((await run("corim", ...twice)).warnings).toContain("corim holds one policy");
    expect((await run("rvps", ...twice.slice(0, 5))).warnings).toContain("name one policy for each bundle");
  });
});

describe("appraise", () => {
  const appraise = (machine: Machine, ...args: string[]) => {
    put("evidence.json", encodeEvidence(machine.evidence));
    put("channel.pem", encodePublicKeyPem(machine.channel.spki));
    return runCli([
      ...["appraise", ...BUNDLE(), "--evidence", path("evidence.json"), "--channel-key", path("channel.pem")],
      ...[
        "--intel-root",
        path("intel.der"),
        "--nvidia-root",
        path("nvidia.pem"),
        "--nonce",
        encodeHex(machine.nonce),
      ],
      ...args,
    ]);
  };
  const claims = (name: string) =>
    JSON.parse(Buffer.from(readFileSync(path(name), "utf8").split(".")[1] ?? "", "base64url").toString());

  test("hands a verdict on as an EAR and as an SVR, and exits as it does without", async () => {
    const files = [
      "--ear",
      path("key.pem"),
      "--ear-output",
      path("good.jwt"),
      "--svr",
      path("good.svr.json"),
    ];
    expect((await appraise(good, ...files)).exitCode).toBe(0);
    expect(claims("good.jwt").submods["tdx-guest"]["ear.status"]).toBe("affirming");
    expect(claims("good.jwt").iat).toBe(Math.floor(NOW.getTime() / 1000));
    expect(readFileSync(path("good.jwt"), "utf8")).toContain(
      Buffer.from(JSON.stringify({ alg: "EdDSA", kid: parseSigningKey(key).keyId, typ: "eat+jwt" })).toString(
        "base64url",
      ),
    );
    expect(JSON.parse(readFileSync(path("good.svr.json"), "utf8")).predicate.properties[0]).toBe(
      "TOUCHSTONE_TRUSTED",
    );

    const bad = await appraise(
      await tamper(good, "quote-edited"),
      "--ear",
      path("key.pem"),
      "--ear-output",
      path("bad.jwt"),
      "--ear-profile",
      "ietf-03",
    );
    expect(bad.exitCode).toBe(1);
    expect(claims("bad.jwt").submods["tdx-guest"].ear_status).toBe("contraindicated");
  });

  test("wants key and file of an EAR together", async () => {
    for (const half of [
      ["--ear", path("key.pem")],
      ["--ear-output", path("x")],
      ["--ear-profile", "veraison"],
    ])
      expect((await appraise(good, ...half)).exitCode).toBe(2);
  });
});
