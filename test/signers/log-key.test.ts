// A log whose own keys are kept elsewhere: a program signs its checkpoints and statuses, and the log outlives a program that fails.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openLogConfig, readConfig } from "../../src/cli/open-log.ts";
import { openLog } from "../../src/log/open-or-create.ts";
import { signingKeyOf } from "../../src/node/signing/signing-key.ts";
import type { Envelope } from "../../src/protocol/envelope/dsse.ts";
import { parseSignable, signEnvelope } from "../../src/publisher/signing/sign.ts";
import { parseTrustFile } from "../../src/verifier/bundle/trust-pin.ts";
import { NOW } from "../support/clock.ts";
import { runCli } from "../support/run-cli.ts";
import { SignerFiles } from "../support/signer-files.ts";

const EXAMPLES = join(import.meta.dirname, "..", "..", "examples", "release");
const files = new SignerFiles();
const dir = files.path("log");
const broken = files.path("broken");
const context = { environment: process.env, now: () => NOW, fetch, warn: () => undefined };
afterAll(() => files.remove());

/** What OpenSSL signs with this key, unless the file `broken` is there. */
function signing(name: string, key: string): string {
  const message = files.path(`${name}.message`);
  return files.program(
    name,
    `test -e ${broken} && exit 1; cat >${message}; openssl pkeyutl -sign -rawin -inkey ${key} -in ${message}`,
  );
}

beforeAll(async () => {
  const key = files.key("checkpoints", "ed25519");
  const source = `cmd:${key.publicFile} ${signing("sign-checkpoint", key.privateFile)}`;
  const founded = await runCli(["init", dir, "--origin", "log.example/kept", "--log-key", source], {
    environment: process.env,
  });
  expect(founded.exitCode, founded.warnings).toBe(0);
  const shown = await runCli(["key", "show", join(dir, "keys", "status.pem")]);
  writeFileSync(files.path("status.pub"), shown.output);
  const configuration = readFileSync(join(dir, "touchstone.toml"), "utf8");
  const status = `cmd:../status.pub ${signing("sign-status", join(dir, "keys", "status.pem"))}`;
  writeFileSync(join(dir, "touchstone.toml"), configuration.replace("keys/status.pem", status));
});

const example = (name: string): Promise<Envelope> =>
  signEnvelope(parseSignable(readFileSync(join(EXAMPLES, name))), [
    signingKeyOf({ text: readFileSync(join(dir, "keys", "publisher.pem"), "utf8"), where: "" }),
  ]);

it("has no key of its checkpoints on its disk, and its trust root names the one that signs", async () => {
  expect(existsSync(join(dir, "keys", "log.key"))).toBe(false);
  const { root } = parseTrustFile(new Uint8Array(readFileSync(join(dir, "trust-root.json"))));
  const { signer } = await openLogConfigAlone();
  expect(root.logPolicy).toContain(`log.example/kept+${signer.keyId}`);
});

it("publishes, and issues statuses; while its program fails it records, and publishes afterwards", async () => {
  const config = await openLogConfig(readConfig(join(dir, "touchstone.toml"), context), context);
  const log = await openLog({
    ...config,
    limits: { ...config.limits, publishWaitMs: 2_000, retryMs: 50, tickMs: 20 },
  });
  try {
    const [first] = await log.publish([await example("example-kernel.json")]);
    expect(first).toMatchObject({ outcome: "new", state: "published" });
    writeFileSync(broken, "");
    const [late] = await log.publish([await example("example-gsp.json")]);
    expect(late).toMatchObject({ outcome: "new", state: "awaiting-cosignature" });
    rmSync(broken);
    const [again] = await log.publish([await example("example-gsp.json")]);
    expect(again).toMatchObject({ outcome: "known", state: "published", index: late?.index });
  } finally {
    await log.close();
  }
});

async function openLogConfigAlone() {
  const config = await openLogConfig(readConfig(join(dir, "touchstone.toml"), context), context);
  await config.writer.close();
  return config;
}

it("refuses a key of another curve, and a file where a program is wanted", async () => {
  const p256 = files.key("p256", "p256");
  const init = (source: string) => runCli(["init", files.path("other"), "--log-key", source]);
  expect((await init(`cmd:${p256.publicFile} true`)).warnings).toContain(
    "checkpoints are signed with Ed25519",
  );
  expect((await init(p256.privateFile)).warnings).toContain("--log-key takes what keeps a key elsewhere");
});
