// `touchstone witness` as processes: made, served, asked, killed, stopped; and a log of ours that is cosigned by it.
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { OwnCosigner } from "../../src/log/checkpointing/cosigner.ts";
import { HttpWitness } from "../../src/log/checkpointing/http-witness.ts";
import { authenticateCheckpoint } from "../../src/protocol/note/cosigned-checkpoint.ts";
import { COSIGNATURE_ML_DSA_44, parseVerifierKey } from "../../src/protocol/note/key.ts";
import { parseNote } from "../../src/protocol/note/signed-note.ts";
import { parseTlogPolicy } from "../../src/protocol/note/tlog-policy.ts";
import { LogHarness } from "../support/log-harness.ts";
import { vkeyOf } from "../support/notes.ts";
import { runCli } from "../support/run-cli.ts";
import { signPlatforms } from "../support/signing.ts";
import { initWitness, serveWitness } from "../support/witness-process.ts";
import { logKey, ORIGIN, witnessKey } from "../support/witnesses.ts";

const NAME = "witness.example/w1";
let folder: string;
const at = (name: string) => join(folder, name);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-witness-cli-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

it("init makes two keys of one name that only their owner can read, and refuses a folder that is not empty", async () => {
  const keys = (await initWitness(at("w"), NAME, [])).map(parseVerifierKey);
  expect(keys.map(({ name, type }) => [name, type])).toEqual([
    [NAME, 0x04],
    [NAME, 0x06],
  ]);
  for (const file of ["ed25519.key", "ml-dsa-44.key"])
    expect(statSync(at(`w/keys/${file}`)).mode & 0o077).toBe(0);
  const shown = await runCli(["key", "show", at("w/keys/ml-dsa-44.key")]);
  expect(parseVerifierKey(shown.output).type).toBe(COSIGNATURE_ML_DSA_44);
  const again = await runCli(["witness", "init", at("w"), "--name", NAME]);
  expect([again.exitCode, again.warnings]).toEqual([2, expect.stringMatching(/is not empty/)]);
  const one = await runCli(["witness", "init", at("one"), "--name", NAME, "--only", "ed25519"]);
  expect(one.output.match(/\+B[A-Za-z0-9+/]{43}/g)).toHaveLength(1);
});

it.each<[string, (text: string) => string, RegExp]>([
  ["a list that is none", () => "", /logs\.txt: log list/],
  ["a key of a log", (text) => text.replace("keys/ed25519.key", "log.key"), /a log's key cannot cosign/],
  ["no memory", (text) => text.replace("witness.db", "gone.db"), /could cosign a fork/],
  ["a member that nobody knows", (text) => `colour = 1\n${text}`, /witness\.toml: configuration/],
])("serve refuses %s", async (what, change, message) => {
  await initWitness(at("w"), NAME, []);
  await runCli(["key", "generate", "--log", ORIGIN, "-o", at("w/log.key")]);
  if (what.startsWith("a list")) writeFileSync(at("w/logs.txt"), "nothing\n");
  else writeFileSync(at("w/witness.toml"), change(readFileSync(at("w/witness.toml"), "utf8")));
  const ran = await runCli(["witness", "serve", "--config", at("w/witness.toml")]);
  expect([ran.exitCode, ran.warnings]).toEqual([2, expect.stringMatching(message)]);
});

it("cosigns a log of ours with both keys, across kill -9 and a graceful stop", async () => {
  const keys = await initWitness(at("w"), NAME, [vkeyOf(await logKey())]);
  const own = await witnessKey("own.example");
  let witness = await serveWitness(at("w"));
  const port = Number(new URL(witness.url).port);
  const policy = [
    `log ${vkeyOf(await logKey())}`,
    `witness own ${vkeyOf(own)}`,
    ...keys.map((key, i) => `witness w${i} ${key} ${witness.url}`),
    "group everybody all own w0 w1",
    "quorum everybody\n",
  ].join("\n");
  const harness = await LogHarness.make({
    cosigners: [new OwnCosigner(own, () => harness.clock.now)],
    trustRoot: { logPolicy: policy },
    config: {
      clock: () => new Date(),
      witnessAt: (name, url) => new HttpWitness({ name, url, fetch }),
      limits: { retryMs: 50, tickMs: 50, publishWaitMs: 20_000 },
    },
  });
  harness.clock.now = new Date();
  const log = await harness.create();
  for (const round of ["before", "after-kill", "after-stop"]) {
    const [outcome] = await log.publish(await signPlatforms(harness.keys, round, 1));
    expect(outcome?.state).toBe("published");
    const { note, checkpoint } = log.read.published()!;
    await authenticateCheckpoint(note, parseTlogPolicy(policy));
    const digest = createHash("sha256").update(ORIGIN).digest("hex");
    const shown = await (await fetch(`${witness.url}/${digest}/checkpoint`)).text();
    expect(parseNote(shown).text.split("\n")[1]).toBe(String(checkpoint.size));
    expect(witness.log().some(({ outcome: said }) => said === "cosigned")).toBe(true);
    expect(await witness.end(round === "before" ? "SIGKILL" : "SIGTERM")).toBe(round === "before" ? null : 0);
    if (round !== "after-stop") witness = await serveWitness(at("w"), port);
  }
  await log.close();
  harness.remove();
});

it("reads its lists again on SIGHUP, and keeps what it knows where they cannot be read", async () => {
  await initWitness(at("w"), NAME, []);
  const witness = await serveWitness(at("w"));
  const known = async () => {
    const metrics = await (await fetch(`${witness.url}/metrics`)).text();
    return /^touchstone_witness_known_logs (\d+)$/m.exec(metrics)?.[1];
  };
  expect(await known()).toBe("0");
  writeFileSync(at("w/logs.txt"), `logs/v0\nvkey ${vkeyOf(await logKey())}\n`);
  process.kill(witness.pid, "SIGHUP");
  await expect.poll(known).toBe("1");
  writeFileSync(at("w/logs.txt"), "broken\n");
  process.kill(witness.pid, "SIGHUP");
  await expect.poll(() => witness.log().some(({ msg }) => String(msg).includes("cannot be read"))).toBe(true);
  expect(await known()).toBe("1");
  expect(await witness.end("SIGTERM")).toBe(0);
});
