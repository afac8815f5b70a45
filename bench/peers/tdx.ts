// One TDX quote beside dcap-qvl in Rust: a made-up one, whose root both are told, and a real one where TOUCHSTONE_REAL_DATA has it.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseTdxCollateral, type TdxCollateral } from "../../src/verifier/tdx/collateral.ts";
import { INTEL_SGX_ROOT_CA } from "../../src/verifier/tdx/intel-root.ts";
import { verifyTdxQuote } from "../../src/verifier/tdx/verify-quote.ts";
import { VerifiedCache } from "../../src/verifier/verified-cache.ts";
import { collateralOfDcapQvl } from "../../test/support/dcap-qvl.ts";
import { AT, intel, makeTdx } from "../../test/verifier/tdx/synthetic.ts";
import { interleave, type Measurement, ratios, spreadOf } from "../harness.ts";
import type { World } from "../world.ts";
import { buildQuotePeer } from "./build.ts";

const TARGET = 1 / 3;
const REAL = "evidence/tdx/go-tdx-guest-v5-uptodate";

interface Question {
  readonly what: string;
  readonly quote: Uint8Array;
  readonly collateral: TdxCollateral;
  readonly root: Uint8Array;
  readonly now: Date;
}

export async function measurePeerTdx(world: World): Promise<Measurement[]> {
  const program = buildQuotePeer();
  if (program === undefined) return [];
  const measurements: Measurement[] = [];
  for (const question of [await madeUp(), ...real()])
    measurements.push(...(await measureQuote(world, program, question)));
  return measurements;
}

async function madeUp(): Promise<Question> {
  const { quote, collateral } = await makeTdx();
  return { what: "a made-up TDX quote", quote, collateral, root: intel.root.der, now: AT };
}

function real(): Question[] {
  const folder = join(process.env.TOUCHSTONE_REAL_DATA ?? "", REAL);
  if (!existsSync(folder)) return [];
  const read = (name: string) => new Uint8Array(readFileSync(join(folder, name)));
  const { asOf } = JSON.parse(Buffer.from(read("expected.json")).toString()) as { asOf: string };
  const collateral = parseTdxCollateral(read("collateral.json"));
  const now = new Date(asOf);
  return [{ what: "a real TDX quote", quote: read("quote.bin"), collateral, root: INTEL_SGX_ROOT_CA, now }];
}

async function measureQuote(world: World, program: string, question: Question): Promise<Measurement[]> {
  const count = world.amount(200);
  const folder = join(world.folder, question.what.replaceAll(" ", "-"));
  const args = writeQuestion(folder, question, count);
  const verified = new VerifiedCache();
  const { peer, known, anew } = await interleave(world.rounds, {
    peer: async () => askPeer(program, args),
    known: () => microseconds(question, count, verified),
    anew: () => microseconds(question, count),
  });
  const line = (what: string, figure: readonly number[], target: number | null): Measurement => {
    const ratio = ratios(peer, figure);
    return {
      row: "peers-tdx",
      what: `${question.what}, ${what}, beside dcap-qvl`,
      unit: "µs of CPU time",
      floor: spreadOf(peer),
      figure: spreadOf(figure),
      ratio,
      target: target === null ? "" : "≥ 1 : 3",
      reached: target === null ? null : ratio.median >= target,
      note: `floor: dcap-qvl 0.7.1 in Rust with ring, which remembers nothing; 1 : ${(1 / ratio.median).toFixed(1)}`,
    };
  };
  return [
    line("with collateral and certificates that a VerifiedCache knows", known, TARGET),
    line("with nothing known", anew, null),
  ];
}

/** @returns the arguments of the peer. */
function writeQuestion(folder: string, { quote, collateral, root, now }: Question, count: number): string[] {
  mkdirSync(folder);
  const write = (name: string, content: Uint8Array | string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  return [
    write("quote", quote),
    write("collateral.json", JSON.stringify(collateralOfDcapQvl(collateral))),
    write("root.der", root),
    String(now.getTime() / 1000),
    String(count),
  ];
}

/** Microseconds of CPU time that a verification takes there. */
function askPeer(program: string, args: readonly string[]): number {
  const answer = JSON.parse(execFileSync(program, args, { encoding: "utf8" })) as {
    status: string;
    cpuMicroseconds: number;
  };
  if (answer.status !== "UpToDate") throw new Error(`dcap-qvl finds the quote ${answer.status}`);
  return answer.cpuMicroseconds;
}

/** And here, the threads of WebCrypto included. */
async function microseconds(
  { quote, collateral, root, now }: Question,
  count: number,
  verified?: VerifiedCache,
): Promise<number> {
  const options = verified === undefined ? { now, root } : { now, root, verified };
  const begun = process.cpuUsage();
  for (let i = 0; i < count; i++) {
    const { accepted, tcb } = await verifyTdxQuote(quote, collateral, options);
    if (!accepted || tcb?.status !== "UpToDate") throw new Error(`we find the quote ${tcb?.status}`);
  }
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / count;
}
