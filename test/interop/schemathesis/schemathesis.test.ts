// schemathesis, which knows openapi.yaml alone, calls a running service with everything that it can think of: what is sent fits the
// description or does not, and all of its checks hold. Once as it comes, once with envelopes in the bodies that the log must take.
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type RunningServer, startServer } from "../../../src/http/server.ts";
import { packagePath } from "../../../src/node/package-root.ts";
import { envelopeToJson } from "../../../src/protocol/envelope/dsse.ts";
import { apiTool, describeWithApiTool } from "../../support/api-tools.ts";
import { type ExampleService, startExampleService } from "../../support/example-service.ts";
import {
  driverPredicate,
  gpuRimPredicate,
  gspPredicate,
  kernelPredicate,
  platformPredicate,
} from "../../support/release-predicates.ts";
import { referenceOf, signStatement } from "../../support/signing.ts";

const SCHEMATHESIS = apiTool("python", "bin", "schemathesis");
const EXAMPLES = process.env.SCHEMATHESIS_EXAMPLES ?? "20";
const SEED = process.env.SCHEMATHESIS_SEED ?? "20261128";
const TIMEOUT = 600_000;

describeWithApiTool(SCHEMATHESIS, "schemathesis finds nothing", () => {
  const folder = mkdtempSync(join(tmpdir(), "touchstone-schemathesis-"));
  let example: ExampleService;
  let server: RunningServer;

  beforeAll(async () => {
    cpSync(import.meta.dirname, folder, { recursive: true });
    example = await startExampleService({ writesPerMinute: 1_000_000 });
    const { app } = example.harness;
    server = await startServer({
      app,
      host: "127.0.0.1",
      port: 0,
      graceMs: 0,
      close: async () => undefined,
    });
  });
  afterAll(async () => {
    await server.stop();
    await example.harness.stop();
    rmSync(folder, { recursive: true });
  });

  /** Its exit code, and what it says of its findings. */
  function run(config: string): Promise<{ exitCode: number | null; output: string }> {
    const checks = ["--checks", "all", "--max-examples", EXAMPLES, "--seed", SEED, "--no-color"];
    const target = [packagePath("openapi.yaml"), "--url", server.address];
    const child = spawn(SCHEMATHESIS, ["--config-file", config, "run", ...target, ...checks], {
      cwd: folder,
      env: { ...process.env, PYTHONPATH: folder, SIGNED_ENVELOPES: join(folder, "signed.ndjson") },
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        output += chunk.toString();
      });
    return new Promise((resolve) => child.on("close", (exitCode) => resolve({ exitCode, output })));
  }

  it(
    "in the product or its description",
    async () => {
      const { exitCode, output } = await run("plain.toml");
      expect(exitCode, output).toBe(0);
    },
    TIMEOUT,
  );

  it(
    "in what happens to entries that are signed as they should be",
    async () => {
      const envelopes = await signEntries(example, 40);
      writeFileSync(join(folder, "signed.ndjson"), envelopes.map((line) => `${line}\n`).join(""));
      const before = example.harness.log.read.published()?.checkpoint.size ?? 0;
      const { exitCode, output } = await run("signed.toml");
      expect(exitCode, output).toBe(0);
      expect(example.harness.log.read.published()?.checkpoint.size).toBeGreaterThan(before + 20);
    },
    TIMEOUT,
  );
});

/** Entries of five kinds in any order: what they refer to is in the log. */
async function signEntries({ harness, kernel }: ExampleService, count: number): Promise<string[]> {
  const by = [harness.keys.publisher];
  const names = Array.from({ length: count }, (_, i) => `tried-${i}`);
  const envelopes = names.flatMap((name) => [
    signStatement("platform", platformPredicate(name), by),
    signStatement("kernel-patch-set", kernelPredicate(name), by),
    signStatement("driver-build", driverPredicate(referenceOf(kernel.envelope), name), by),
    signStatement("gsp-firmware", gspPredicate(name), by),
    signStatement("gpu-rim", gpuRimPredicate(name), by),
  ]);
  return (await Promise.all(envelopes)).map((envelope) => JSON.stringify(envelopeToJson(envelope)));
}
