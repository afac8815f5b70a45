// Witnesses, logs and parsers that others wrote in Go: omniwitness cosigns our log, transparency-dev/formats reads what we write, our
// witness cosigns a log of Tessera's, and crypto/ed25519 judges signatures. Skipped, with the reason, where Go or a module is not there.
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { configOf, initLog } from "../../src/cli/init-log.ts";
import { openLogConfig, readConfig } from "../../src/cli/open-log.ts";
import { OwnCosigner } from "../../src/log/checkpointing/cosigner.ts";
import { HttpWitness } from "../../src/log/checkpointing/http-witness.ts";
import { openLog } from "../../src/log/open-or-create.ts";
import { encodeBase64 } from "../../src/protocol/encoding/base64.ts";
import { createMlDsaLogSigner } from "../../src/protocol/note/cosignature.ts";
import { authenticateCheckpoint } from "../../src/protocol/note/cosigned-checkpoint.ts";
import { COSIGNATURE_ML_DSA_44, formatPrivateKey, formatVerifierKey } from "../../src/protocol/note/key.ts";
import { parseNote } from "../../src/protocol/note/signed-note.ts";
import { parseTlogPolicy } from "../../src/protocol/note/tlog-policy.ts";
import { formatTlogProof } from "../../src/protocol/note/tlog-proof.ts";
import { buildGo } from "../support/go-program.ts";
import { LogHarness } from "../support/log-harness.ts";
import { testKey, vkeyOf } from "../support/notes.ts";
import { haveRealData, realJson } from "../support/real-data.ts";
import { signPlatforms } from "../support/signing.ts";
import { auditAsStranger } from "../support/stranger.ts";
import { initWitness, serveWitness } from "../support/witness-process.ts";
import { logKey, ORIGIN, witnessKey } from "../support/witnesses.ts";

const go = buildGo(join(import.meta.dirname, "witness-go"));
const folder = mkdtempSync(join(tmpdir(), "touchstone-interop-"));
const at = (name: string) => join(folder, name);
afterAll(() => {
  go.remove();
  rmSync(folder, { recursive: true });
});

const describeGo = (name: string, body: (program: string) => void) =>
  go.path === null
    ? describe.skip(`${name} (skipped: ${go.why})`, () => it("is skipped", () => {}))
    : describe(name, () => body(go.path ?? ""));

/** What a program answers to one JSON value. */
function ask<T>(program: string, which: string, question: unknown): T {
  const answer = execFileSync(program, [which], {
    input: JSON.stringify(question),
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    stdio: ["pipe", "pipe", "inherit"],
  });
  return JSON.parse(answer) as T;
}

describeGo("transparency-dev/witness", (program) => {
  it("omniwitness cosigns our log with both its keys, entry after entry", async () => {
    const child = spawn(program, ["omniwitness"]);
    child.stdin.write(JSON.stringify({ name: "omniwitness.example", logKey: vkeyOf(await logKey()) }));
    const { url, keys } = await firstAnswer<{ url: string; keys: string[] }>(child);
    const own = await witnessKey("own.example");
    const mlDsa = await testKey(ORIGIN, COSIGNATURE_ML_DSA_44);
    const policy = [
      `log ${vkeyOf(await logKey())}`,
      `log ${vkeyOf(mlDsa)}`,
      `witness own ${vkeyOf(own)}`,
      ...keys.map((key, i) => `witness w${i} ${key} ${url}`),
      "group everybody all own w0 w1",
      "quorum everybody\n",
    ].join("\n");
    const harness = await LogHarness.make({
      cosigners: [new OwnCosigner(own, () => new Date())],
      trustRoot: { logPolicy: policy },
      config: {
        clock: () => new Date(),
        mlDsaSigner: createMlDsaLogSigner(mlDsa),
        witnessAt: (name, at) => new HttpWitness({ name, url: at, fetch }),
        limits: { publishWaitMs: 20_000 },
      },
    });
    harness.clock.now = new Date();
    const log = await harness.create();
    for (const entry of await signPlatforms(harness.keys, "witnessed", 5)) {
      expect((await log.publish([entry]))[0]?.state).toBe("published");
      const { note } = log.read.published()!;
      const { cosignatures } = await authenticateCheckpoint(note, parseTlogPolicy(policy));
      expect(cosignatures.filter(({ name }) => name === "omniwitness.example")).toHaveLength(2);
    }
    await auditAsStranger(log.read, policy);
    await log.close();
    harness.remove();
    child.stdin.end();
    await once(child, "close");
  });
});

describeGo("transparency-dev/formats", (program) => {
  it("reads policy, checkpoint and proof of a log as `init` founds it, with ML-DSA-44", async () => {
    const context = { environment: {}, now: () => new Date(), fetch, print: () => {}, warn: () => {} };
    const cli = { ...context, interactive: false, confirm: async () => true };
    const url = "https://log.example";
    await initLog(at("log"), { origin: "log.example/new", url, port: 0, mlDsa44: true }, cli);
    const log = await openLog(await openLogConfig(readConfig(configOf(at("log")), cli), cli));
    const { logPolicy } = log.read.inForce.trustRoots[0]!.root;
    const policy = parseTlogPolicy(logPolicy);
    const {
      note: checkpoint,
      checkpoint: { size },
    } = log.read.published()!;
    const entry = await log.read.entry(0);
    const answer = ask<Record<string, unknown>>(program, "formats", {
      policy: logPolicy,
      checkpoint,
      logKey: formatVerifierKey(policy.logs[0]!.key),
      cosignerKeys: [policy.logs[1]!, policy.witnesses[0]!].map(({ key }) => formatVerifierKey(key)),
      proof: formatTlogProof({ index: 0, proof: await log.read.proveInclusion(0, size), checkpoint }),
      leaf: encodeBase64(entry!.leaf),
    });
    const signers = parseNote(checkpoint).signatures.map(({ name, keyId }) => `${name}+${keyId}`);
    expect(signers).toHaveLength(3);
    expect(answer).toEqual({ verified: signers, satisfied: true, endpoints: 1, proof: "accepted" });
    await log.close();
  });
});

describeGo("transparency-dev/tessera", (program) => {
  it("a Tessera log publishes what our witness cosigned, and monitors of the witness see it", async () => {
    const origin = "tessera.example/log";
    const key = await logKey(origin);
    const [ed25519 = ""] = await initWitness(at("witness"), "witness.example/w1", [vkeyOf(key)]);
    const witness = await serveWitness(at("witness"));
    const child = spawn(program, ["tessera"], { stdio: ["pipe", "pipe", "ignore"] });
    child.stdin?.end(
      JSON.stringify({
        folder: at("tessera"),
        secretKey: formatPrivateKey(key),
        policy: `witness W ${ed25519} ${witness.url}\nquorum W\n`,
        entries: 12,
      }),
    );
    let output = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    expect(await once(child, "close")).toEqual([0, null]);
    const answers = output
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { checkpoint: string; satisfied: boolean });
    expect(answers.map(({ satisfied }) => satisfied)).toEqual(Array(12).fill(true));
    const policy = parseTlogPolicy(`log ${vkeyOf(key)}\nwitness W ${ed25519}\nquorum W\n`);
    const last = await authenticateCheckpoint(answers.at(-1)!.checkpoint, policy);
    expect(last.checkpoint.size).toBe(12);
    const digest = createHash("sha256").update(origin).digest("hex");
    const shown = await (await fetch(`${witness.url}/${digest}/checkpoint`)).text();
    expect((await authenticateCheckpoint(shown, policy)).checkpoint).toEqual(last.checkpoint);
    expect(await witness.end("SIGTERM")).toBe(0);
  });
});

describeGo("crypto/ed25519", (program) => {
  const name = "says of the 914 edge cases of C2SP/CCTV what the stored verdicts say";
  it.skipIf(!haveRealData)(haveRealData ? name : `${name} (skipped: set TOUCHSTONE_REAL_DATA)`, () => {
    const cases = realJson<unknown[]>("vectors/ed25519/ed25519vectors.json");
    const { accepted } = realJson<{ accepted: number[] }>("vectors/ed25519/go-verdicts.json");
    expect(ask<number[]>(program, "ed25519", cases)).toEqual(accepted);
    expect(cases).toHaveLength(914);
  });
});

/** The first line of a program that goes on. */
async function firstAnswer<T>(child: ChildProcessWithoutNullStreams): Promise<T> {
  let output = "";
  for await (const chunk of child.stdout.setEncoding("utf8")) {
    output += chunk;
    if (output.includes("\n")) break;
  }
  return JSON.parse(output.split("\n")[0] ?? "") as T;
}
