// The Node example, built and run as a user's program is, against a log's answer and a machine's evidence.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { encodeEvidence, type Machine } from "../../src/testing/index.ts";
import { formatTrustFile } from "../../src/verifier/bundle/trust-pin.ts";
import { machineOf, makeWorld } from "../support/appraisal-world.ts";
import { NOW } from "../support/clock.ts";
import { bundle, withRoots } from "../support/example-build.ts";

type WhyNotTrusted = (
  log: string,
  spki: Uint8Array,
  nonce: Uint8Array,
  evidence: Uint8Array,
) => Promise<string | null>;

const before = process.cwd();
let folder: string;
let good: Machine;
let whyNotTrusted: WhyNotTrusted;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-example-"));
  good = await machineOf();
  const world = await makeWorld(good);
  writeFileSync(join(folder, "trust-root.json"), formatTrustFile(world.log.envelopes[0]!));
  const file = join(folder, "example.mjs");
  writeFileSync(
    file,
    await bundle({ entry: "examples/verifier-node/appraise-service.ts" }, "node", withRoots(good.roots)),
  );
  ({ whyNotTrusted } = (await import(pathToFileURL(file).href)) as { whyNotTrusted: WhyNotTrusted });
  vi.useFakeTimers({ now: NOW, toFake: ["Date"] });
  process.chdir(folder);
  vi.stubGlobal("fetch", async () => new Response(world.bundle.slice()));
});
afterAll(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

const ask = ({ channel, evidence }: Machine, nonce = good.nonce) =>
  whyNotTrusted("https://log.example", channel.spki, nonce, encodeEvidence(evidence));

test("the Node example trusts a good machine and says why it does not trust another", async () => {
  expect(await ask(good)).toBeNull();
  expect(await ask(good, new Uint8Array(32))).toMatch(/^gpu\.nonce: /);
  const other = await machineOf({
    channel: good.channel,
    nonce: good.nonce,
    tdx: { body: { mrTd: new Uint8Array(48) } },
  });
  expect(await ask(other)).toMatch(
    /^tuple\.mrtd: differs \(expected [0-9a-f]{96} by platform\/h100-vm@1, found 0{96}\)$/,
  );
});
