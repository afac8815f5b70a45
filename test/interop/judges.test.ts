// The real quotes at the time of their collateral and at each edge of its validity, by us, dcap-qvl and go-tdx-guest, held against what is
// expected of them. Every difference is listed with its reason: one that is not listed fails, and so does one that no longer is there.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { QuoteVerifier } from "@phala/dcap-qvl";
import { afterAll, expect, it } from "vitest";
import { encodeHex } from "../../src/protocol/encoding/hex.ts";
import { parseTdxCollateral, type TdxCollateral } from "../../src/verifier/tdx/collateral.ts";
import { INTEL_SGX_ROOT_CA } from "../../src/verifier/tdx/intel-root.ts";
import { checkTdxPolicy, QUOTE_ALONE_POLICY } from "../../src/verifier/tdx/quote-policy.ts";
import { verifyTdxQuote } from "../../src/verifier/tdx/verify-quote.ts";
import { describeReal, haveRealData, realData, realDataPath, realJson } from "../support/real-data.ts";

interface Expected {
  readonly asOf: string;
  readonly result: string;
  readonly reject: string | null;
  readonly collateralValid: { readonly from: string; readonly until: string };
}

interface Input {
  readonly quote: Uint8Array;
  readonly collateral: TdxCollateral;
  readonly now: Date;
}

const EDGES = ["as of", "a second before", "from", "until", "a second after"] as const;
type Edge = (typeof EDGES)[number];
interface Question extends Input {
  readonly name: string;
  readonly edge: Edge;
  readonly expected: "accepted" | "refused";
}

/** Whether everything is up to date, and neither a debug TD nor a service TD: what all three mean by accepting. */
async function ours({ quote, collateral, now }: Input): Promise<string> {
  const result = await verifyTdxQuote(quote, collateral, { now });
  const policy = checkTdxPolicy(result, QUOTE_ALONE_POLICY);
  return [...result.checks, ...policy].every(({ outcome }) => outcome === "pass") ? "accepted" : "refused";
}

function dcapQvl({ quote, collateral, now }: Input): string {
  const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const entries = Object.entries(collateral).map(([name, value]) => [snakeCase(name), value]);
  try {
    const verifier = QuoteVerifier.newWithRootCa(Buffer.from(INTEL_SGX_ROOT_CA));
    const their = Object.fromEntries(entries) as Parameters<typeof verifier.verify>[1];
    const { status } = verifier.verify(Buffer.from(quote), their, now.getTime() / 1000);
    return status === "UpToDate" ? "accepted" : "refused";
  } catch {
    return "refused";
  }
}

const folder = mkdtempSync(join(tmpdir(), "touchstone-judges-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The program that judges with go-tdx-guest; null, with the reason, where Go or its modules are not there. */
function buildGoJudge(): { program: string | null; why: string } {
  const program = join(folder, "judge");
  const source = join(import.meta.dirname, "go-tdx-guest");
  const built = spawnSync("go", ["build", "-o", program, "."], {
    cwd: source,
    encoding: "utf8",
    timeout: 120_000,
  });
  if (built.error !== undefined) return { program: null, why: "Go is not installed" };
  if (built.status !== 0) return { program: null, why: built.stderr.trim().split("\n").at(-1) ?? "" };
  return { program, why: "" };
}

function goTdxGuest(program: string, inputs: readonly Input[]): string[] {
  const lines = inputs.map(({ quote, collateral, now }) =>
    JSON.stringify({ quote: encodeHex(quote), collateral, now: now.toISOString() }),
  );
  const answers = execFileSync(program, { input: lines.join("\n"), encoding: "utf8" });
  // Between the answers stand lines of the library's own logger.
  return answers
    .split("\n")
    .filter((line) => line.startsWith('"'))
    .map((line) => (JSON.parse(line) === "accepted" ? "accepted" : "refused"));
}

const CRL_DATES = "the dates of CRLs are not looked at, and the PCK's is the first to expire";
const ISSUE_DATES = "a document is valid until its next update, whenever it was issued";
const DEBUG = "a debug TD is the matter of its package `validate`, which has no say here";
const NO_V5 = "this version reads quotes of version 4 alone";
/** Where another verifier answers otherwise than expected, and why. */
const DIFFERENCES: Record<"dcap-qvl" | "go-tdx-guest", Record<string, Partial<Record<Edge, string>>>> = {
  "dcap-qvl": {
    "dcap-qvl-v4-uptodate": { "a second after": CRL_DATES },
    "dstack-v4-event-log": { "a second after": CRL_DATES },
    "go-tdx-guest-v5-uptodate": { "a second after": CRL_DATES },
  },
  "go-tdx-guest": {
    "dcap-qvl-v4-uptodate": { "a second before": ISSUE_DATES },
    "dstack-v4-event-log": { "a second before": ISSUE_DATES },
    "go-tdx-guest-v5-uptodate": { "as of": NO_V5, from: NO_V5, until: NO_V5 },
    "trustee-v4-debug": { "as of": DEBUG, "a second before": ISSUE_DATES, from: DEBUG, until: DEBUG },
  },
};

function questionsOf(name: string): Question[] {
  const { asOf, reject, collateralValid } = realJson<Expected>(`evidence/tdx/${name}/expected.json`);
  const [from, until] = [Date.parse(collateralValid.from), Date.parse(collateralValid.until)];
  const times: Record<Edge, number> = {
    "as of": Date.parse(asOf),
    "a second before": from - 1000,
    from,
    until,
    "a second after": until + 1000,
  };
  const quote = realData(`evidence/tdx/${name}/quote.bin`);
  const collateral = parseTdxCollateral(realData(`evidence/tdx/${name}/collateral.json`));
  return EDGES.map((edge) => {
    const inside = !edge.startsWith("a second");
    const expected = reject === null && inside ? "accepted" : "refused";
    return { name, edge, quote, collateral, now: new Date(times[edge]), expected } as const;
  });
}

const questions = haveRealData ? readdirSync(realDataPath("evidence/tdx")).sort().flatMap(questionsOf) : [];
const table = questions.map(
  ({ name, edge, expected }) => ({ name, edge, expected }) as Record<string, string>,
);
const note = (judge: string, answers: readonly string[]) => {
  for (const [i, answer] of answers.entries()) Object.assign(table[i] ?? {}, { [judge]: answer });
};

function differencesOf(answers: readonly string[]): Record<string, Edge[]> {
  const found: Record<string, Edge[]> = {};
  for (const [i, { name, edge, expected }] of questions.entries())
    if (answers[i] !== expected) found[name] = [...(found[name] ?? []), edge];
  return found;
}

const listed = (judge: keyof typeof DIFFERENCES) =>
  Object.fromEntries(Object.entries(DIFFERENCES[judge]).map(([name, edges]) => [name, Object.keys(edges)]));

describeReal("the seven real quotes, at five times each", () => {
  afterAll(() => console.table(table));

  it("are judged by us as expected", async () => {
    const answers = await Promise.all(questions.map(ours));
    note("ours", answers);
    expect(differencesOf(answers)).toEqual({});
    expect(answers).toHaveLength(35);
  });

  it("are judged by dcap-qvl as expected, but for what is listed", () => {
    const answers = questions.map(dcapQvl);
    note("dcap-qvl", answers);
    expect(differencesOf(answers)).toEqual(listed("dcap-qvl"));
  });

  it("are judged by go-tdx-guest as expected, but for what is listed", (test) => {
    const { program, why } = buildGoJudge();
    if (program === null) return test.skip(`go-tdx-guest was not asked: ${why}`);
    const answers = goTdxGuest(program, questions);
    note("go-tdx-guest", answers);
    expect(differencesOf(answers)).toEqual(listed("go-tdx-guest"));
  }, 180_000);
});
