// Receipts with the real program and a served log: made by `init`, fetched, verified offline, and given up again.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXIT } from "../../src/cli/context.ts";
import { serveLog } from "../../src/cli/serve-log.ts";
import type { RunningServer } from "../../src/http/server.ts";
import { packagePath } from "../../src/node/package-root.ts";
import { keyIdOf } from "../../src/protocol/cryptography/signature.ts";
import { decodeBase64 } from "../../src/protocol/encoding/base64.ts";
import type { TrustRoot } from "../../src/protocol/entry/trust-root.ts";
import { parseTrustFile } from "../../src/verifier/bundle/trust-pin.ts";
import { type CliRun, runCli } from "../support/run-cli.ts";

const REAL = { now: () => new Date(), fetch: globalThis.fetch, environment: {} };
const EXAMPLE = packagePath("examples", "release", "example-kernel.json");

let folder: string;
let server: RunningServer;
const at = (...path: string[]) => join(folder, ...path);
const trust = () => ["--trust", at("log", "trust-root.json")];
const run = (...args: string[]): Promise<CliRun> => runCli(args, REAL);
async function good(...args: string[]): Promise<string> {
  const { exitCode, output, warnings } = await run(...args);
  expect(exitCode, `${args.join(" ")}: ${warnings}`).toBe(EXIT.good);
  return output;
}
const serve = () =>
  serveLog(at("log", "touchstone.toml"), 0, pino({ level: "silent" }), {
    ...REAL,
    print: () => {},
    warn: () => {},
    interactive: false,
    confirm: async () => true,
  });
const exportTo = (file: string, ...rest: string[]) =>
  run("proof", "export", at("kernel.dsse.json"), "--to", server.address, ...trust(), "-o", at(file), ...rest);
const codeOf = ({ warnings }: CliRun) => (JSON.parse(warnings) as { error: { code: string } }).error.code;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-receipts-"));
  await good("init", at("log"), "--origin", "receipts.example/log", "--receipt-key");
  server = await serve();
  await good("sign", EXAMPLE, "--key", at("log", "keys", "publisher.pem"), "-o", at("kernel.dsse.json"));
  await good("publish", at("kernel.dsse.json"), "--to", server.address, ...trust());
}, 60_000);
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

it("init makes the key, keeps it from others, names it in the configuration and lists it in the trust root", async () => {
  expect(statSync(at("log/keys/receipt.pem")).mode & 0o077).toBe(0);
  expect(readFileSync(at("log/touchstone.toml"), "utf8")).toContain('receipt = "keys/receipt.pem"');
  const { root } = parseTrustFile(readFileSync(at("log/trust-root.json"), "utf8"));
  const shown = JSON.parse(await good("key", "show", at("log/keys/receipt.pem"), "--json")) as {
    keyId: string;
  };
  expect(root.receiptKeys.map((spki) => keyIdOf(decodeBase64(spki)))).toEqual([shown.keyId]);
  expect(root.keys).not.toContain(root.receiptKeys[0]);
});

it("init takes what keeps a receipt key elsewhere, and no file", async () => {
  const refused = await run("init", at("x"), "--receipt-key", at("log/keys/receipt.pem"));
  expect(refused).toMatchObject({ exitCode: EXIT.usage });
  expect(refused.warnings).toContain("--receipt-key takes what keeps a key elsewhere");
});

describe("a receipt", () => {
  it("is fetched, verified, and says what it does not show", async () => {
    const exported = await exportTo("kernel.receipt", "--receipt");
    expect(exported.output).toContain("receipt of kernel-patch-set/example/kernel@");
    const output = await good(
      "proof",
      "verify",
      at("kernel.dsse.json"),
      at("kernel.receipt"),
      "--receipt",
      ...trust(),
    );
    expect(output).toMatch(
      /^verified: kernel-patch-set\/.* is entry \d of receipts\.example\/log at size \d/,
    );
    expect(output.match(/^not in it: /gm)).toHaveLength(4);
  });

  it("is refused for another envelope, when it was changed, and under another pin", async () => {
    const verify = (envelope: string, receipt: string, ...more: string[]) =>
      run(
        "proof",
        "verify",
        at(envelope),
        at(receipt),
        "--receipt",
        "--json",
        ...(more.length > 0 ? more : trust()),
      );
    await good("sign", EXAMPLE, "--key", at("log", "keys", "policy.pem"), "-o", at("other.dsse.json"));
    expect(codeOf(await verify("other.dsse.json", "kernel.receipt"))).toBe("receipt-signature");
    const bytes = readFileSync(at("kernel.receipt"));
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(at("changed.receipt"), bytes);
    expect(codeOf(await verify("kernel.dsse.json", "changed.receipt"))).toBe("receipt-signature");
    await good("init", at("twin"), "--origin", "receipts.example/log", "--receipt-key");
    const twin = ["--trust", at("twin", "trust-root.json")];
    expect(codeOf(await verify("kernel.dsse.json", "kernel.receipt", ...twin))).toBe("receipt-key");
    expect((await verify("kernel.dsse.json", "kernel.tlog-proof")).exitCode).toBe(EXIT.no);
  });

  it("is not written where it does not verify", async () => {
    const twin = ["--trust", at("twin", "trust-root.json")];
    const args = ["proof", "export", at("kernel.dsse.json"), "--to", server.address, ...twin];
    expect((await run(...args, "--receipt", "-o", at("none"))).exitCode).toBe(EXIT.no);
    expect(() => statSync(at("none"))).toThrow("ENOENT");
  });

  it.each([
    ["a receipt", ["--receipt"]],
    ["a tlog-proof", []],
  ])("is not written where %s is good, and not the one that was asked for", async (_, form) => {
    const ask = (rewrite: (url: string) => string, ...rest: string[]) => {
      const fetch: typeof globalThis.fetch = (url, init) => globalThis.fetch(rewrite(String(url)), init);
      const args = ["proof", "export", at("kernel.dsse.json"), "--to", server.address, ...trust()];
      return runCli([...args, "-o", at("none"), "--json", ...form, ...rest], { ...REAL, fetch });
    };
    const { treeSize } = (await (await fetch(`${server.address}/v1/entries`)).json()) as { treeSize: number };
    const newest = (url: string) => url.replace(/[?]size=.*/, "");
    expect(codeOf(await ask(newest, "--size", String(treeSize - 1)))).toBe("answer");
    expect((await ask(newest, "--size", String(treeSize))).exitCode).toBe(EXIT.good);
    rmSync(at("none"));
  });

  it("stands beside a tlog-proof, which is exported the same way", async () => {
    expect((await exportTo("again.tlog-proof")).exitCode).toBe(EXIT.good);
    await good("proof", "verify", at("kernel.dsse.json"), at("again.tlog-proof"), ...trust());
  });
});

it("a trust root that is drafted lists receipt keys, and lists them no longer", async () => {
  await good("key", "generate", "-o", at("next.pem"));
  writeFileSync(at("next.pub"), await good("key", "show", at("next.pem")));
  const [old = ""] = parseTrustFile(readFileSync(at("log/trust-root.json"), "utf8")).root.receiptKeys;
  const draft = ["trust-root", "draft", "--to", server.address];
  await good(...draft, "--add-receipt-key", at("next.pub"), "-o", at("two.json"));
  await good(...draft, "--remove-receipt-key", keyIdOf(decodeBase64(old)), "-o", at("none.json"));
  const keysOf = (file: string) => (JSON.parse(readFileSync(at(file), "utf8")) as TrustRoot).receiptKeys;
  expect(keysOf("two.json")).toEqual([old, expect.not.stringMatching(old)]);
  expect(keysOf("none.json")).toEqual([]);
  const unknown = await run(...draft, "--remove-receipt-key", "0".repeat(64), "-o", at("x.json"));
  expect(unknown.exitCode).not.toBe(EXIT.good);
});

it("a server that was given no receipt key says so", async () => {
  await server.stop();
  const config = readFileSync(at("log/touchstone.toml"), "utf8");
  writeFileSync(at("log/touchstone.toml"), config.replace(/^receipt = .*$/m, ""));
  server = await serve();
  const refused = await exportTo("x.receipt", "--receipt", "--json");
  expect(codeOf(refused)).toBe("no-receipt-key");
});
