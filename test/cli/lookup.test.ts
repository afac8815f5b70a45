// `touchstone lookup`, against a log whose answers are those of an honest service, and against one that hides an entry.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { formatLookupAnswer, type LookupAnswer } from "../../src/protocol/lookup/lookup-answer.ts";
import { formatTrustFile } from "../../src/verifier/bundle/trust-pin.ts";
import type { FoundedLog } from "../support/founded-log.ts";
import { answerLookup, indexedLog } from "../support/lookups.ts";
import { sha256Of } from "../support/release-predicates.ts";
import { runCli } from "../support/run-cli.ts";
import { ORIGIN } from "../support/witnesses.ts";

let folder: string;
let log: FoundedLog;
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-lookup-"));
  log = await indexedLog();
  writeFileSync(at("trust-root.json"), formatTrustFile(log.envelopes[0]!));
});
afterAll(() => rmSync(folder, { recursive: true }));

const asked: string[] = [];
const serving =
  (newest = Infinity, change: Partial<LookupAnswer> = {}): typeof fetch =>
  async (input) => {
    asked.push(String(input));
    const { pathname, searchParams } = new URL(String(input));
    const [type, value] = pathname.split("/").slice(-2).map(decodeURIComponent) as [string, string];
    const since = searchParams.get("since");
    const options = { newest, change, since: since === null ? null : Number(since) };
    return new Response(
      utf8(formatLookupAnswer(await answerLookup(log, [type, value], options))) as BodyInit,
    );
  };

const lookup = (args: readonly string[], fetch = serving()) =>
  runCli(["lookup", ...args, "--trust", at("trust-root.json")], { fetch });
const NOTHING = ["digest", sha256Of("nothing has this")] as const;

describe("touchstone lookup", () => {
  it("names exactly the entries that have a term", async () => {
    const signer = log.keys.publisher.keyId;
    const { exitCode, output } = await lookup(["signer", signer]);
    const size = log.envelopes.length - 1;
    expect(exitCode).toBe(0);
    expect(output).toContain(
      `exactly these of the first ${size} entries of ${ORIGIN} have signer ${signer}:`,
    );
    expect(output).toContain("\n  entry 1\n  entry 2\n");
    expect(asked.at(-1)).toBe(`http://127.0.0.1:8080/v1/lookup/signer/${signer}`);
  });

  it("says that there is none, and ends with 0: that is proven, too", async () => {
    const { exitCode, output } = await lookup(NOTHING);
    expect(exitCode).toBe(0);
    expect(output).toMatch(
      /^none: not one of the first \d+ entries of .* has digest [0-9a-f]{64}\nby status 1,/,
    );
  });

  it("says that there are older ones than it names", async () => {
    const { exitCode, output } = await lookup(["signer", log.keys.publisher.keyId], serving(2));
    expect(exitCode).toBe(0);
    expect(output).toContain("the newest 2, and older ones, of the first");
  });

  it("gives one JSON value", async () => {
    const platform = log.envelopes.findIndex(({ statement }) => statement.kind === "platform");
    const { name } = log.envelopes[platform]!.statement;
    expect((await lookup(["name", `platform/${name}`, "--json"])).json()).toEqual({
      verified: true,
      origin: ORIGIN,
      type: "name",
      value: `platform/${name}`,
      indices: [platform],
      complete: true,
      size: log.envelopes.length - 1,
      statusSequence: 1,
      asOf: expect.any(String),
    });
    expect((await lookup([...NOTHING, "--json"])).json()).toMatchObject({ indices: [], complete: true });
  });

  it("ends with 1 where the answer is not the expected one", async () => {
    const signer = ["signer", log.keys.publisher.keyId];
    expect((await lookup([...NOTHING, "--expect", "none"])).exitCode).toBe(0);
    expect((await lookup([...signer, "--expect", "some"])).exitCode).toBe(0);
    expect(await lookup([...NOTHING, "--expect", "some"])).toMatchObject({ exitCode: 1 });
    const named = await lookup([...signer, "--expect", "none"]);
    expect(named).toMatchObject({ exitCode: 1, warnings: expect.stringContaining("expected none") });
    expect(named.output).toContain("entry 1");
  });

  it("keeps the answer for whoever verifies it offline", async () => {
    expect((await lookup([...NOTHING, "-o", at("answer.json")])).exitCode).toBe(0);
    const offline = { fetch: () => Promise.reject(new Error("no network")) };
    const verify = (...args: string[]) =>
      runCli(["lookup", ...args, "--file", at("answer.json"), "--trust", at("trust-root.json")], offline);
    expect((await verify(...NOTHING)).output).toMatch(/^none: /);
    const other = await verify("digest", sha256Of("another"));
    expect(other).toMatchObject({ exitCode: 1, warnings: expect.stringContaining("asked for digest") });
    expect((await verify(...NOTHING, "--now", "2027-01-01T00:00:00Z")).exitCode).toBe(1);
    expect((await verify(...NOTHING, "-o", at("x"))).exitCode).toBe(2);
  });

  it("remembers the log, and asks for the proof from there", async () => {
    const state = ["--state", at("state.json")];
    await lookup([...NOTHING, ...state]);
    expect((await lookup([...NOTHING, ...state])).exitCode).toBe(0);
    expect(asked.at(-1)).toMatch(new RegExp(`\\?since=${log.envelopes.length}$`));
    expect(JSON.parse(readFileSync(at("state.json"), "utf8"))).toBeDefined();
  });

  it("refuses an answer that hides an entry, and keeps it", async () => {
    const args = ["signer", log.keys.publisher.keyId, "-o", at("hidden.json")];
    const { exitCode, warnings, output } = await lookup(args, serving(Infinity, { indices: [2] }));
    expect(exitCode).toBe(1);
    expect(warnings).toContain("does not lead to the root");
    expect(output).toBe("");
    expect(readFileSync(at("hidden.json"), "utf8")).toContain('"indices":[2]');
  });
});
