// Bundles beside images in go-containerregistry's registry, with its referrers API and without: attached and found by the command line, and
// seen by its own client.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formatTrustFile } from "../../src/verifier/bundle/trust-pin.ts";
import { machineOf, makeWorld, type World } from "../support/appraisal-world.ts";
import { buildGo } from "../support/go-program.ts";
import { runCli } from "../support/run-cli.ts";

const { path: program, why, remove } = buildGo(join(import.meta.dirname, "go-registry"));
afterAll(remove);

const run = (...args: string[]) => {
  const { stdout, stderr, status } = spawnSync(program!, args, { encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
  return stdout;
};

describe.skipIf(program === null)(
  `go-containerregistry${program === null ? ` (skipped: ${why})` : ""}`,
  () => {
    let folder: string;
    let world: World;
    const path = (name: string) => join(folder, name);

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "touchstone-oci-"));
      world = await makeWorld(await machineOf());
      writeFileSync(path("bundle.json"), world.bundle);
      writeFileSync(path("trust-root.json"), formatTrustFile(world.log.envelopes[0]!));
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    const cli = (...args: string[]) =>
      runCli(["bundle", ...args], { fetch, environment: { DOCKER_CONFIG: folder } });
    const find = (image: string, policy: string) =>
      cli("find", image, "--policy", policy, "--trust", path("trust-root.json"), "-o", path("found.json"));

    test.each(["referrers", "tags"])(
      "with %s: what is attached is found, verified, and the same bytes",
      async (mode) => {
        const server = spawn(program!, ["serve", mode], { stdio: ["ignore", "pipe", "inherit"] });
        try {
          const [address] = await once(server.stdout, "data");
          const repository = `${String(address).trim()}/acme/guest`;
          const image = `${repository}@${run("push", repository).trim()}`;

          const nothing = await find(image, "production");
          expect([nothing.exitCode, existsSync(path("found.json"))]).toEqual([1, false]);
          expect(nothing.output).toContain("fetch it from the log");

          const attached = await cli("attach", image, "--bundle", path("bundle.json"));
          expect([attached.exitCode, attached.warnings]).toEqual([0, ""]);
          expect(attached.output.includes("knows no referrers")).toBe(mode === "tags");

          expect((await find(image, "production")).exitCode).toBe(0);
          expect(readFileSync(path("found.json")).equals(world.bundle)).toBe(true);
          expect(run("list", image)).toBe(readFileSync(path("bundle.json"), "utf8"));

          rmSync(path("found.json"));
          const other = await find(image, "staging");
          expect([other.exitCode, existsSync(path("found.json"))]).toEqual([1, false]);
          expect(other.output).toContain("one was refused");
        } finally {
          server.kill();
        }
      },
    );
  },
);
