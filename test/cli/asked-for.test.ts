// The policy that was asked for travels with its bundle: no other one is stored under its name, verified for it or judged by.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { formatTrustFile } from "../../src/verifier/bundle/trust-pin.ts";
import { policyPredicate } from "../support/document-predicates.ts";
import { FoundedLog } from "../support/founded-log.ts";
import { runCli } from "../support/run-cli.ts";
import { bundleBytes } from "../support/small-log.ts";

let log: FoundedLog;
let bundleOfB: Uint8Array;
beforeAll(async () => {
  log = await FoundedLog.found();
  const set = await log.publishRelease();
  await log.publish("policy", policyPredicate(set, { name: "b" }), [log.keys.policy]);
  await log.publishStatus();
  bundleOfB = bundleBytes(await log.bundle("b"));
});

let folder: string;
const at = (name: string) => join(folder, name);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-asked-"));
  writeFileSync(at("trust-root.json"), formatTrustFile(log.envelopes[0]!));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A server that answers every path with this. */
const answering = (body: Uint8Array | string, type: string) => ({
  fetch: async () => new Response(body as BodyInit, { headers: { "content-type": type } }),
});
const fetchPolicy = (name: string, body: Uint8Array | string, type = "application/json") =>
  runCli(["bundle", "fetch", name, "-o", at("x.json")], answering(body, type));
const verify = (name: string) =>
  runCli(["bundle", "verify", at("x.json"), "--policy", name, "--trust", at("trust-root.json"), "--json"]);

describe("a server that answers every path with the bundle of b", () => {
  it("is not taken for one that has a: nothing is stored, and what was there stays", async () => {
    const run = await fetchPolicy("a", bundleOfB);
    expect(run).toMatchObject({ exitCode: 1, output: "" });
    expect(run.warnings).toContain("asked for policy a, got policy b");
    expect(existsSync(at("x.json"))).toBe(false);
    writeFileSync(at("x.json"), "a good one");
    expect((await fetchPolicy("a", bundleOfB)).exitCode).toBe(1);
    expect(readFileSync(at("x.json"), "utf8")).toBe("a good one");
  });

  it("is one where b is asked for; the file is b's and verifies as b alone", async () => {
    expect((await fetchPolicy("b", bundleOfB)).exitCode).toBe(0);
    expect((await verify("b")).json()).toMatchObject({ verified: true, policy: { name: "b" } });
    expect(await verify("a")).toMatchObject({ exitCode: 1 });
    expect((await verify("a")).json()).toMatchObject({
      verified: false,
      step: 4,
      code: "policy-not-asked-for",
    });
  });

  it("makes no machine trusted by a", async () => {
    writeFileSync(at("x.json"), bundleOfB);
    writeFileSync(at("evidence.json"), "{}");
    const files = [
      "--bundle",
      at("x.json"),
      "--trust",
      at("trust-root.json"),
      "--evidence",
      at("evidence.json"),
    ];
    const run = await runCli([
      "appraise",
      ...files,
      "--policy",
      "a",
      "--hpke-key",
      "00".repeat(32),
      "--json",
    ]);
    expect(run.exitCode).toBe(1);
    const { checks } = run.json<{ checks: { id: string; outcome: string; detail: string }[] }>();
    expect(checks.find(({ outcome }) => outcome === "fail")).toMatchObject({
      id: "bundle.policy",
      detail: expect.stringContaining("asked for policy a, got b"),
    });
  });
});

describe("a page that asks for a login, answered with 200", () => {
  it.each([
    [
      "text/html; charset=utf-8",
      "\n<!doctype html><title>Welcome</title>",
      "answered text/html, not a policy bundle",
    ],
    ["application/json", '{"login":"https://portal.example"}', "policy bundle"],
    ["application/json", "", "not a policy bundle"],
    ["application/json", "[]", "not a policy bundle"],
  ])("does not replace a good file: %s", async (type, body, says) => {
    writeFileSync(at("x.json"), "a good one");
    const run = await fetchPolicy("a", body, type);
    expect(run.exitCode).toBe(1);
    expect(run.warnings).toContain(says);
    expect(readFileSync(at("x.json"), "utf8")).toBe("a good one");
  });
});

describe("the policy's name", () => {
  it.each([
    ["bundle", "verify", "x.json"],
    ["appraise", "--bundle", "x.json", "--hpke-key", "00"],
  ])("is required where nothing else says it: %s", async (...command) => {
    const run = await runCli([...command, "--trust", at("trust-root.json")]);
    expect(run.exitCode).toBe(2);
    expect(run.warnings).toContain("--policy");
  });
});
