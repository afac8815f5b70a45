// The files that sign and publish leave: an envelope file is the log entry's own bytes, so that it and its proof verify as a pair in any
// C2SP tlog-proof verifier, which knows nothing of envelopes.
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { afterAll, beforeAll, expect, it } from "vitest";
import { initLog } from "../../src/cli/init-log.ts";
import { serveLog } from "../../src/cli/serve-log.ts";
import type { RunningServer } from "../../src/http/server.ts";
import { verifyInclusion } from "../../src/protocol/merkle/inclusion.ts";
import { parseCheckpoint } from "../../src/protocol/note/checkpoint.ts";
import { parseNote } from "../../src/protocol/note/signed-note.ts";
import { parseTlogProof } from "../../src/protocol/note/tlog-proof.ts";
import { runCli } from "../support/run-cli.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/release/example-kernel.json", import.meta.url));
const now = () => new Date();
const context = {
  environment: {},
  now,
  fetch,
  print: () => {},
  warn: () => {},
  interactive: false,
  confirm: async () => true,
};

let folder: string;
let server: RunningServer;
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-envelopes-"));
  await initLog(at("log"), { origin: "files.example/log", url: "http://127.0.0.1:8080", port: 0 }, context);
  server = await serveLog(at("log/touchstone.toml"), 0, pino({ level: "silent" }), context);
  await good("sign", EXAMPLE, "--key", at("log/keys/publisher.pem"), "-o", at("kernel.dsse.json"));
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

async function good(...args: string[]): Promise<void> {
  const { exitCode, warnings } = await runCli(args, { now, fetch });
  expect(warnings).toBe("");
  expect(exitCode).toBe(0);
}

const publish = (file: string) =>
  good("publish", at(file), "--to", server.address, "--trust", at("log/trust-root.json"));

/** What a verifier does that takes the file for the leaf, whatever is in it. */
function verifyPair(name: string): void {
  const { index, proof, checkpoint } = parseTlogProof(readFileSync(at(`${name}.tlog-proof`)));
  const { size, root } = parseCheckpoint(parseNote(checkpoint).text);
  const file = readFileSync(at(`${name}.dsse.json`));
  const leafHash = createHash("sha256").update(Buffer.of(0)).update(file).digest();
  verifyInclusion({ index, size, leafHash, root, proof });
}

it("sign writes the leaf's own bytes, which the proof is of", async () => {
  const signed = readFileSync(at("kernel.dsse.json"), "utf8");
  expect(signed).toMatch(/^\{"payload":.*\}$/);
  await publish("kernel.dsse.json");
  expect(readFileSync(at("kernel.dsse.json"), "utf8")).toBe(signed);
  verifyPair("kernel");
});

it("publish puts the leaf in the place of the same envelope in another form", async () => {
  const signed = readFileSync(at("kernel.dsse.json"), "utf8");
  for (const text of [`${signed}\n`, JSON.stringify(JSON.parse(signed), null, 2)]) {
    writeFileSync(at("other.dsse.json"), text);
    await publish("other.dsse.json");
    expect(readFileSync(at("other.dsse.json"), "utf8")).toBe(signed);
    verifyPair("other");
  }
});

it("publish puts the leaf in the place of other signatures over the same payload", async () => {
  const logged = readFileSync(at("kernel.dsse.json"), "utf8");
  await good("sign", EXAMPLE, "--key", at("log/keys/policy.pem"), "-o", at("signed-by-other.dsse.json"));
  await publish("signed-by-other.dsse.json");
  expect(readFileSync(at("signed-by-other.dsse.json"), "utf8")).toBe(logged);
  verifyPair("signed-by-other");
});
