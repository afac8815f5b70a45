// Receipts before judges that share no line with ours: go-cose with transparency-dev's merkle, and scitt-cose in Python. What we write they
// accept; what we refuse they refuse, but for what is listed; and of published receipts all three say what is expected.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Tagged } from "cborg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cbor, encodeCbor, map } from "../../src/protocol/cose/cbor.ts";
import { type CoseSigner, encodeCoseSign1, signatureInput } from "../../src/protocol/cose/cose-sign1.ts";
import {
  encodeReceipt,
  parseReceipt,
  signTree,
  verifyReceiptSignature,
} from "../../src/protocol/cose/receipt.ts";
import { decodePublicKeyPem, importPublicKey } from "../../src/protocol/cryptography/signature.ts";
import { decodeBase64, encodeBase64 } from "../../src/protocol/encoding/base64.ts";
import { concatBytes } from "../../src/protocol/encoding/bytes.ts";
import { decodeHex } from "../../src/protocol/encoding/hex.ts";
import { decodeUtf8 } from "../../src/protocol/encoding/text.ts";
import { proveConsistency } from "../../src/protocol/merkle/consistency.ts";
import { hashLeaf } from "../../src/protocol/merkle/hash.ts";
import { proveInclusion } from "../../src/protocol/merkle/inclusion.ts";
import { apiTool } from "../support/api-tools.ts";
import { generateP256Signer } from "../support/cose-signers.ts";
import { buildGo, type GoProgram } from "../support/go-program.ts";
import { coseSigner, testKey } from "../support/keys.ts";
import { describeReal, haveRealData, realData, realDataPath, realJson } from "../support/real-data.ts";
import { outcomeOf } from "../support/refusals.ts";
import { makeTree } from "../support/tree.ts";

/** A receipt with what its judge knows: the entry, or the roots of both trees. */
interface Question {
  readonly name: string;
  readonly receipt: Uint8Array;
  /** SPKI DER. */
  readonly spki: Uint8Array;
  readonly entry?: Uint8Array;
  readonly from?: Uint8Array;
  readonly to?: Uint8Array;
  readonly expected: "accepted" | "refused";
}

async function ours({ receipt, spki, entry, from, to }: Question): Promise<string> {
  const known = entry === undefined ? from! : hashLeaf(entry);
  const outcome = await outcomeOf(async () => {
    const root = await verifyReceiptSignature(parseReceipt(receipt), known, await importPublicKey(spki));
    if (to !== undefined) expect(root).toEqual(to);
  });
  return outcome === "accepted" ? outcome : "refused";
}

/** Lines of JSON in, a line out for each. */
function foreign(program: string, args: readonly string[], questions: readonly Question[]): string[] {
  const base64 = (bytes?: Uint8Array) => (bytes === undefined ? undefined : encodeBase64(bytes));
  const lines = questions.map(({ receipt, spki, entry, from, to }) =>
    JSON.stringify({
      receipt: base64(receipt),
      spki: base64(spki),
      entry: base64(entry),
      from: base64(from),
      to: base64(to),
    }),
  );
  const output = execFileSync(program, args, { input: lines.join("\n"), encoding: "utf8" });
  return output
    .trim()
    .split("\n")
    .map((line) => (line === "accepted" ? line : "refused"));
}

const PYTHON = apiTool("python", "bin", "python");
const JUDGE = join(import.meta.dirname, "scitt-cose", "judge.py");
function havePython(): boolean {
  if (!existsSync(PYTHON)) return false;
  try {
    execFileSync(PYTHON, ["-c", "import scitt_cose"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const go: GoProgram = buildGo(join(import.meta.dirname, "go-receipts"));
afterAll(() => go.remove());

const entryOf = (i: number) => Uint8Array.of(0, i);
const { roots, readNode } = makeTree(10, entryOf);
const ORIGIN = "log.example/touchstone";

/** Every entry and every two sizes of a tree of nine, by this key. */
async function honest(signer: CoseSigner, algorithm: string): Promise<Question[]> {
  const spki = decodeBase64(signer.spki);
  const questions: Question[] = [];
  for (let size = 1; size <= 9; size++) {
    const tree = await signTree(signer, { origin: ORIGIN, size, root: roots[size]! });
    for (let index = 0; index < size; index++) {
      const path = proveInclusion(index, size, readNode);
      const receipt = encodeReceipt(tree, { kind: "inclusion", size, index, path });
      const name = `${algorithm}: entry ${index} of ${size}`;
      questions.push({ name, receipt, spki, entry: entryOf(index), expected: "accepted" });
    }
    for (let fromSize = 1; fromSize < size; fromSize++) {
      const path = proveConsistency(fromSize, size, readNode);
      const receipt = encodeReceipt(tree, { kind: "consistency", fromSize, size, path });
      const name = `${algorithm}: ${fromSize} to ${size}`;
      const [from, to] = [roots[fromSize]!, roots[size]!];
      questions.push({ name, receipt, spki, from, to, expected: "accepted" });
    }
  }
  return questions;
}

/** One fault each, under a signature that is right wherever one can be. */
async function faulty(signer: CoseSigner): Promise<Question[]> {
  const path = proveInclusion(7, 9, readNode);
  const vdp = (...parts: Cbor[]) => map([396, map([-1, [encodeCbor(parts)]])]);
  const good = encodeCbor(map([1, -8], [395, 1]));
  const signed = async (
    header: Uint8Array,
    unprotected = vdp(9, 7, path),
    payload: Uint8Array | null = null,
  ) =>
    encodeCoseSign1(
      { protectedHeader: header, signature: await signer.sign(signatureInput(header, roots[9]!)) },
      payload,
      unprotected,
    );
  const whole = await signed(good);
  const unsigned = map(...vdp(9, 7, path));
  const cases: Record<string, Uint8Array> = {
    "vds unprotected": await signed(encodeCbor(map([1, -8])), map([395, 1], ...unsigned)),
    "vds 2": await signed(encodeCbor(map([1, -8], [395, 2]))),
    "vds missing": await signed(encodeCbor(map([1, -8]))),
    "another root attached": await signed(good, vdp(9, 7, path), roots[8]!),
    "its root attached": await signed(good, vdp(9, 7, path), roots[9]!),
    "index is size": await signed(good, vdp(9, 9, path)),
    "path one too long": await signed(good, vdp(9, 7, [...path, path[0]!])),
    "path one too short": await signed(good, vdp(9, 7, path.slice(1))),
    "bytes after the end": concatBytes(whole, Uint8Array.of(0)),
    "protected label twice": await signed(decodeHex("a30127012719018b01")),
    "indefinite array": concatBytes(Uint8Array.of(0xd2, 0x9f), whole.subarray(2), Uint8Array.of(0xff)),
    "no tag": whole.subarray(1),
    "another tag": encodeCbor(new Tagged(98, [good, vdp(9, 7, path), null, new Uint8Array(64)])),
    "ES256 under an Ed25519 key": await signed(encodeCbor(map([1, -7], [395, 1]))),
    "an algorithm that is none": await signed(encodeCbor(map([1, -65535], [395, 1]))),
    "a critical label": await signed(encodeCbor(map([1, -8], [2, [395]], [395, 1]))),
    "two proofs": await signed(
      good,
      map([396, map([-1, [encodeCbor([9, 7, path]), encodeCbor([9, 7, path])]])]),
    ),
    "a flipped signature": whole.map((byte, i) => (i === whole.length - 1 ? byte ^ 1 : byte)),
  };
  const spki = decodeBase64(signer.spki);
  return Object.entries(cases).map(([name, receipt]) => ({
    name,
    receipt,
    spki,
    entry: entryOf(7),
    expected: "refused",
  }));
}

/** What another judge accepts that we refuse, and why. */
const ACCEPTED: Record<"go" | "scitt-cose", Record<string, string>> = {
  go: { "a critical label": "they know label 395, and take it for critical" },
  "scitt-cose": {
    "a critical label": "it knows label 395, and takes it for critical",
    "two proofs": "it looks at the first one",
  },
};

const acceptedBy = (answers: readonly string[], questions: readonly Question[]) =>
  questions.filter((_, i) => answers[i] === "accepted").map(({ name }) => name);
const judges = {
  go: (questions: readonly Question[]) => foreign(go.path ?? "", [], questions),
  "scitt-cose": (questions: readonly Question[]) => foreign(PYTHON, [JUDGE], questions),
} as const;

describe.each(["go", "scitt-cose"] as const)("%s", (judge) => {
  const missing =
    judge === "go" ? go.why : havePython() ? "" : "scitt-cose is not installed; .ci/run installs it";
  let questions: Question[];
  beforeAll(async () => {
    const signer = coseSigner(await testKey("receipts"));
    questions = [
      ...(await honest(signer, "EdDSA")),
      ...(await honest(await generateP256Signer(), "ES256")),
      ...(await faulty(signer)),
    ].filter(({ entry }) => judge === "go" || entry !== undefined);
  });

  it("accepts every receipt that is written here, and refuses what is refused here, but for what is listed", (test) => {
    if (missing !== "") return test.skip(missing);
    const accepted = acceptedBy(judges[judge](questions), questions);
    const expected = questions.filter(({ expected }) => expected === "accepted").map(({ name }) => name);
    expect(accepted).toEqual([...expected, ...Object.keys(ACCEPTED[judge])]);
  });
});

it("all of them are judged here as expected", async () => {
  const signer = coseSigner(await testKey("receipts"));
  const questions = [...(await honest(signer, "EdDSA")), ...(await faulty(signer))];
  for (const question of questions) expect(await ours(question), question.name).toBe(question.expected);
});

const OURS = "vectors/standards/ours/receipts";
const FOREIGN = "vectors/standards/foreign/scitt-cose";

/** Receipts that others have judged before. */
function published(): Question[] {
  const file = (name: string) => realData(`${OURS}/${name}`);
  const hex = (name: string) => decodeHex(decodeUtf8(file(name)).trim());
  const key = (algorithm: string) => decodePublicKeyPem(decodeUtf8(file(`receipt-${algorithm}.pub.pem`)));
  const questions: Question[] = [];
  for (const algorithm of ["ed25519", "p256"]) {
    const spki = key(algorithm);
    for (const index of [0, 7, 8]) {
      const [name, entry] = [`receipt-${algorithm}-${index}.cose`, file(`entry-${index}.json`)];
      questions.push({ name, receipt: file(name), spki, entry, expected: "accepted" });
      const another = file(`entry-${index === 0 ? 7 : 0}.json`);
      questions.push({
        name: `${name}, another entry`,
        receipt: file(name),
        spki,
        entry: another,
        expected: "refused",
      });
    }
    const name = `consistency-${algorithm}-4-9.cose`;
    const [from, to] = [hex("root-4.hex"), hex("root-9.hex")];
    questions.push({ name, receipt: file(name), spki, from, to, expected: "accepted" });
  }
  const spki = key("p256");
  const six = "consistency-p256-6-9.cose";
  const [from, to] = [hex("root-6.hex"), hex("root-9.hex")];
  questions.push({ name: six, receipt: file(six), spki, from, to, expected: "accepted" });
  const twin = hex("twin-entry.hex");
  const about = (name: string, entry: Uint8Array, expected: Question["expected"]) =>
    questions.push({ name, receipt: file(name), spki, entry, expected });
  about("twin-receipt.cose", twin, "accepted");
  about("size1-receipt.cose", file("entry-0.json"), "accepted");
  for (const name of readdirSync(realDataPath(OURS)))
    if (/^(?:bad|longpath)-receipt|^longpath/.test(name)) about(name, twin, "refused");
  return questions;
}

/** Those of scitt-cose: what each says of its receipt, whose entry is the SHA-256 of the statement. */
function theirs(): Question[] {
  return readdirSync(realDataPath(FOREIGN), { withFileTypes: true })
    .filter((one) => one.isDirectory())
    .map(({ name }) => {
      const facts = realJson<{ receipt_valid: boolean; leaf_entry: string }>(
        `${FOREIGN}/${name}/expected.json`,
      );
      return {
        name,
        receipt: realData(`${FOREIGN}/${name}/receipt.cose`),
        spki: decodePublicKeyPem(decodeUtf8(realData(`${FOREIGN}/${name}/log-key.pub`))),
        entry: decodeHex(facts.leaf_entry),
        expected: facts.receipt_valid ? "accepted" : "refused",
      };
    });
}

/** The tree of CCF is another data structure, which is refused by name. */
const NOT_OURS = ["valid-ccf-vds2"];

describeReal("published receipts", () => {
  const questions = haveRealData ? [...published(), ...theirs()] : [];

  it("are judged here as expected, but those over another kind of tree", async () => {
    expect(questions.length).toBeGreaterThan(25);
    for (const question of questions) {
      const expected = NOT_OURS.includes(question.name) ? "refused" : question.expected;
      expect(await ours(question), question.name).toBe(expected);
    }
  });

  it("are judged by go-cose and merkle as expected, but those over another kind of tree", (test) => {
    if (go.path === null) return test.skip(go.why);
    const expected = questions.filter((one) => one.expected === "accepted" && !NOT_OURS.includes(one.name));
    expect(acceptedBy(judges.go(questions), questions)).toEqual(expected.map(({ name }) => name));
  });

  it("are judged by scitt-cose as expected", (test) => {
    if (!havePython()) return test.skip("scitt-cose is not installed; .ci/run installs it");
    const inclusion = questions.filter(({ entry }) => entry !== undefined);
    const expected = inclusion.filter((one) => one.expected === "accepted").map(({ name }) => name);
    expect(acceptedBy(judges["scitt-cose"](inclusion), inclusion)).toEqual(expected);
  });
});
