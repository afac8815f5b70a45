// Clients that others' generators make of openapi.yaml fetch a policy bundle and an inclusion proof from a running service, and read all that
// is in them.
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type RunningServer, startServer } from "../../../src/http/server.ts";
import { packagePath } from "../../../src/node/package-root.ts";
import { apiTool, describeWithApiTool } from "../../support/api-tools.ts";
import { type ExampleService, startExampleService } from "../../support/example-service.ts";

const PYTHON = apiTool("python", "bin", "python");
const TYPESCRIPT = apiTool("typescript", "node_modules", "openapi-typescript", "bin", "cli.js");
const OPENAPI = packagePath("openapi.yaml");
/** Go compiles the generator and the client when it first does. */
const TIMEOUT = 600_000;

const folder = mkdtempSync(join(tmpdir(), "touchstone-clients-"));
let example: ExampleService;
let server: RunningServer;

beforeAll(async () => {
  example = await startExampleService();
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

const run = (program: string, args: readonly string[], cwd: string) =>
  promisify(execFile)(program, args, { cwd, maxBuffer: 16 * 1024 * 1024 }).catch((error) => {
    throw new Error(`${error.message}\n${error.stdout}`);
  });

/** Runs a client, which is given the service, a policy and an entry, and prints what it read of them. */
async function requireReadsAll(program: string, args: readonly string[], cwd: string): Promise<void> {
  const { harness, kernel } = example;
  const asked = [server.address, "production", String(kernel.index)];
  const { stdout } = await run(program, [...args, ...asked], cwd);
  expect(JSON.parse(stdout)).toEqual({
    bundle: await harness.json("/v1/policies/production"),
    proof: await harness.json(`/v1/entries/${kernel.index}/proof`),
  });
}

function folderOf(name: string): string {
  const made = join(folder, name);
  mkdirSync(made);
  return made;
}

const TYPESCRIPT_CLIENT = `
import createClient from "openapi-fetch";
import type { components, paths } from "./touchstone.js";

declare const process: { argv: string[] };
const [url, name, index] = process.argv.slice(2) as [string, string, string];
const client = createClient<paths>({ baseUrl: url });
const { data: bundle } = await client.GET("/v1/policies/{name}", { params: { path: { name } } });
const { data: proof } = await client.GET("/v1/entries/{index}/proof", { params: { path: { index: Number(index) } } });
// The types are what is tried here: each of these has to be of its own. Both are text, too, to whoever accepts another form.
const entries: components["schemas"]["LoggedEntry"][] = typeof bundle === "object" ? bundle.entries : [];
if (entries.length === 0 || typeof proof !== "object") throw new Error("nothing was read");
const size: number = proof.treeSize;
if (size === 0) throw new Error("nothing was proven");
console.log(JSON.stringify({ bundle, proof }));
`;

describeWithApiTool(TYPESCRIPT, "a client of openapi-typescript", () => {
  it(
    "is typed, and reads all of a bundle and a proof",
    async () => {
      const cwd = folderOf("typescript");
      symlinkSync(apiTool("typescript", "node_modules"), join(cwd, "node_modules"));
      writeFileSync(join(cwd, "package.json"), '{ "type": "module" }');
      writeFileSync(join(cwd, "client.ts"), TYPESCRIPT_CLIENT);
      await run(process.execPath, [TYPESCRIPT, OPENAPI, "-o", "touchstone.d.ts"], cwd);
      const compiler = join("node_modules", "typescript", "bin", "tsc");
      const options = ["--strict", "--target", "es2022", "--module", "nodenext", "--skipLibCheck"];
      await run(process.execPath, [compiler, ...options, "client.ts"], cwd);
      await requireReadsAll(process.execPath, ["client.js"], cwd);
    },
    TIMEOUT,
  );
});

describeWithApiTool("go", "a client of oapi-codegen", () => {
  it(
    "reads all of a bundle and a proof",
    async (context) => {
      const cwd = join(folder, "go");
      cpSync(join(import.meta.dirname, "go"), cwd, { recursive: true });
      mkdirSync(join(cwd, "touchstone"));
      const generate = ["tool", "oapi-codegen", "-generate", "types,client", "-package", "touchstone"];
      const missing = await whyNotThere(cwd);
      context.skip(missing !== null, missing ?? "");
      await run("go", [...generate, "-o", "touchstone/client.go", OPENAPI], cwd);
      await run("go", ["build", "-o", "client", "."], cwd);
      await requireReadsAll("./client", [], cwd);
    },
    TIMEOUT,
  );
});

/** Why the modules of the Go client cannot be had, if they cannot. */
async function whyNotThere(cwd: string): Promise<string | null> {
  try {
    await run("go", ["mod", "download"], cwd);
    return null;
  } catch (error) {
    return `skipped: ${(error as Error).message.trim().split("\n").at(-1)}`;
  }
}

describeWithApiTool(PYTHON, "a client of openapi-python-client", () => {
  it(
    "reads all of a bundle and a proof",
    async () => {
      const cwd = folderOf("python");
      const config = join(import.meta.dirname, "python-client.yaml");
      const generate = [
        "generate",
        "--path",
        OPENAPI,
        "--output-path",
        "touchstone_client",
        "--meta",
        "none",
      ];
      await run(apiTool("python", "bin", "openapi-python-client"), [...generate, "--config", config], cwd);
      cpSync(join(import.meta.dirname, "fetch.py"), join(cwd, "fetch.py"));
      await requireReadsAll(PYTHON, ["fetch.py"], cwd);
    },
    TIMEOUT,
  );
});
