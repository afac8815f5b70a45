// A log whose roles belong to people: private keys never meet, neither at the founding nor when a role changes hands.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXIT } from "../../src/cli/context.ts";
import type { TrustRoot } from "../../src/protocol/entry/trust-root.ts";
import { parseTlogPolicy } from "../../src/protocol/note/tlog-policy.ts";
import { parseTrustFile } from "../../src/verifier/bundle/trust-pin.ts";
import { fakeNetwork, status } from "../support/fake-fetch.ts";
import { runCli } from "../support/run-cli.ts";

let folder: string;
const at = (...path: string[]) => join(folder, ...path);
const ids: Record<string, string> = {};
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-people-"));
  for (const person of ["ann", "bob", "cy", "dora"]) {
    await runCli(["key", "generate", "-o", at(`${person}.pem`)]);
    const { output } = await runCli(["key", "show", at(`${person}.pem`)]);
    writeFileSync(at(`${person}.pub`), output);
    ids[person] = (await runCli(["key", "show", at(`${person}.pem`), "--json"])).json<{
      keyId: string;
    }>().keyId;
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

const ROOT_KEYS = ["ann", "bob", "cy"].flatMap((person) => ["--root-key", `${person}.pub`]);
const inFolder = (arg: string) => (/^[a-z]+\.(?:pem|pub)$/.test(arg) ? at(arg) : arg);

describe("init with public keys of people", () => {
  it("waits for a threshold of the root keys, and is founded with their signatures", async () => {
    const begun = await runCli([
      "init",
      at("log"),
      ...ROOT_KEYS.map(inFolder),
      "--root-threshold",
      "2",
      "--policy-key",
      at("dora.pub"),
    ]);
    expect(begun.exitCode, begun.warnings).toBe(EXIT.good);
    expect(begun.output).toContain("waits for 2 signature(s)");
    expect(readdirSync(at("log", "keys")).sort()).toEqual([
      "cosigner.key",
      "log.key",
      "publisher.pem",
      "revocation.pem",
      "status.pem",
    ]);
    expect(existsSync(at("log", "trust-root.json"))).toBe(false);

    await runCli(["sign", at("log", "root.json"), "--key", at("ann.pem")]);
    const finish = () => runCli(["init", at("log"), "--signed", at("log", "root.dsse.json")]);
    expect((await finish()).exitCode, "one of two").not.toBe(EXIT.good);
    expect(existsSync(at("log", "trust-root.json"))).toBe(false);
    await runCli(["sign", at("log", "root.dsse.json"), "--key", at("bob.pem")]);
    const done = await finish();
    expect(done.exitCode, done.warnings).toBe(EXIT.good);
    expect(done.output).toContain("the log is founded");

    const { root } = parseTrustFile(readFileSync(at("log", "trust-root.json"), "utf8"));
    expect(root.roles.root).toEqual({ keys: [ids.ann, ids.bob, ids.cy], threshold: 2 });
    expect(root.roles.policy[0]).toMatchObject({ keys: [ids.dora], threshold: 1 });
    expect(root.keys).toHaveLength(7);
    expect((await runCli(["fsck", "--config", at("log", "touchstone.toml")])).exitCode).toBe(EXIT.good);
  });

  it("goes on with nothing but what was drafted there", async () => {
    const other = at("other");
    await runCli(["init", other, "--root-key", at("ann.pub")]);
    const ran = await runCli(["init", other, "--signed", at("log", "root.dsse.json")]);
    expect(ran).toMatchObject({
      exitCode: EXIT.usage,
      warnings: expect.stringContaining("is not the envelope of"),
    });
  });

  it.each([
    ["a threshold above the keys", [...ROOT_KEYS, "--root-threshold", "4"], "--root-threshold is 4"],
    ["a threshold without keys", ["--policy-threshold", "2"], "--policy-key is given 0 time"],
    ["a private key", ["--root-key", "ann.pem"], "it holds a private key"],
    ["no key", ["--root-key", "none.pub"], "none.pub"],
  ])("refuses %s, and leaves nothing behind", async (_, args, says) => {
    const ran = await runCli(["init", at("refused"), ...args.map(inFolder)]);
    expect(ran).toMatchObject({ exitCode: EXIT.usage, warnings: expect.stringContaining(says) });
    expect(existsSync(at("refused"))).toBe(false);
  });
});

describe("trust-root draft", () => {
  /** What a log with the first test's trust root answers. */
  const network = () => {
    const { envelope } = JSON.parse(readFileSync(at("log", "trust-root.json"), "utf8"));
    return fakeNetwork(status(200, {}, JSON.stringify({ entry: { index: 0, envelope } })));
  };
  const draft = async (...args: string[]) => {
    const ran = await runCli(["trust-root", "draft", ...args, "-o", at("next.json")], {
      fetch: network().fetch,
    });
    return { ...ran, root: () => JSON.parse(readFileSync(at("next.json"), "utf8")) as TrustRoot };
  };

  it("puts one key in the place of another, in every role, and lists no key that nobody needs", async () => {
    const drafted = await draft("--replace-key", `${ids.ann}=${at("dora.pub")}`);
    expect(drafted.exitCode, drafted.warnings).toBe(EXIT.good);
    const root = drafted.root();
    expect(root.roles.root.keys).toEqual([ids.dora, ids.bob, ids.cy]);
    expect(root.keys).toHaveLength(6);
    expect((await runCli(["trust-root", "seal", at("next.json"), "-o", at("x.json")])).exitCode).toBe(
      EXIT.good,
    );
  });

  it("gives a role to others, with a threshold", async () => {
    const both = `${at("ann.pub")},${at("bob.pub")}`;
    const { root } = await draft(
      "--set-role",
      `publisher=2:${both}`,
      "--set-role",
      `status=1:${at("cy.pub")}`,
    );
    expect(root().roles.publisher).toMatchObject([{ keys: [ids.ann, ids.bob], threshold: 2, names: ["*"] }]);
    expect(root().roles.status).toEqual({ keys: [ids.cy], threshold: 1 });
  });

  it("names a witness, and how many must cosign", async () => {
    const vkey = (await runCli(["key", "generate", "--cosigner", "w.example", "-o", at("w.key")])).output;
    const { root } = await draft("--add-witness", `w.example=${vkey}`, "--quorum", "1");
    const policy = parseTlogPolicy(root().logPolicy);
    expect(policy.witnesses.map(({ name }) => name)).toEqual(["own-cosigner", "w.example"]);
    expect(policy.groups).toMatchObject([{ threshold: 1, members: ["own-cosigner", "w.example"] }]);
  });

  it.each([
    ["an unknown role", ["--set-role", "king=1:x"], "the roles are root, publisher"],
    ["a key that no role has", ["--replace-key", `${"0".repeat(64)}=ann.pub`], "no role has the key"],
    ["no key id", ["--replace-key", "ann=ann.pub"], "64 hex digits"],
    ["a witness without a quorum", ["--add-witness", "w=w+1+x"], "--quorum go together"],
    ["a quorum above the witnesses", ["--add-witness", "VKEY", "--quorum", "3"], "tlog-policy"],
  ])("refuses %s", async (_, args, says) => {
    const { output: vkey } = await runCli(["key", "show", at("w.key")]);
    const given = args.map((arg) =>
      arg.replace("ann.pub", at("ann.pub")).replace("VKEY", `w.example=${vkey}`),
    );
    expect(await draft(...given)).toMatchObject({
      exitCode: EXIT.usage,
      warnings: expect.stringContaining(says),
    });
  });
});
