// A log behind a prefix of a site: every command finds it by its URL, and what the service says of itself leads there.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { EXIT } from "../../src/cli/context.ts";
import { type RunningServer, startServer } from "../../src/http/server.ts";
import { type EnvelopeJson, envelopeFromJson, envelopeToJson } from "../../src/protocol/envelope/dsse.ts";
import { formatTrustFile } from "../../src/verifier/bundle/trust-pin.ts";
import { type PrefixProxy, startPrefixProxy } from "../support/prefix-proxy.ts";
import { platformPredicate } from "../support/release-predicates.ts";
import { runCli } from "../support/run-cli.ts";
import { ServiceHarness } from "../support/service-harness.ts";
import { signStatement } from "../support/signing.ts";

const folder = mkdtempSync(join(tmpdir(), "touchstone-prefix-"));
const trust = join(folder, "trust-root.json");
let service: ServiceHarness;
let server: RunningServer;
let proxy: PrefixProxy;

beforeAll(async () => {
  service = await ServiceHarness.start({ url: "https://site.example/log/" });
  await service.publishPolicy();
  const { app } = service;
  server = await startServer({
    app,
    host: "127.0.0.1",
    port: 0,
    graceMs: 0,
    close: () => service.log.close(),
  });
  proxy = await startPrefixProxy(server.address, "/site/log");
  const root = await service.json<{ entry: { envelope: EnvelopeJson } }>("/v1/trust-root");
  writeFileSync(trust, formatTrustFile(envelopeFromJson(root.entry.envelope)));
});
afterAll(async () => {
  await proxy.stop();
  await server.stop();
  service.logHarness.remove();
  rmSync(folder, { recursive: true });
});

const touchstone = (...args: string[]) => runCli(args, { fetch: globalThis.fetch });

it("is published to, fetched from and audited", async () => {
  const entry = await signStatement("platform", platformPredicate("behind-a-prefix"), [
    service.keys.publisher,
  ]);
  const file = join(folder, "entry.dsse.json");
  writeFileSync(file, JSON.stringify(envelopeToJson(entry)));
  for (const args of [
    ["publish", file, "--trust", trust, "--to", proxy.address],
    ["bundle", "fetch", "production", "--to", proxy.address, "-o", join(folder, "bundle.json")],
    ["entries", "list", "--to", proxy.address],
    ["audit", proxy.address, "--trust", trust],
  ]) {
    const { exitCode, warnings } = await touchstone(...args);
    expect([args[0], exitCode, warnings]).toEqual([args[0], EXIT.good, expect.any(String)]);
  }
});

it("names the entry by the URL that it was given", async () => {
  const entry = await signStatement("platform", platformPredicate("named"), [service.keys.publisher]);
  const { headers } = await service.publish(entry);
  expect(headers.get("location")).toMatch(/^https:\/\/site\.example\/log\/v1\/entries\/\d+$/);
});

it("describes itself as the server that its description came from", async () => {
  const { servers } = await service.json<{ servers: Array<{ url: string }> }>("/openapi.json");
  const [{ url }] = servers as [{ url: string }];
  expect(new URL(url, "https://site.example/log/openapi.json").href).toBe("https://site.example/log/");
});
