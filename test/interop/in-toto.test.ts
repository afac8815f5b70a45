// Statements of ours, read by in-toto's own library in Go at a pinned version: the verification result of a machine, and entries of a log.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { encodeEvidence, type Machine, tamper } from "../../src/testing/index.ts";
import { type JudgedMachine, judgedMachine } from "../../src/views/judged-machine.ts";
import { writeSvr } from "../../src/views/svr.ts";
import { judge, machineOf, makeWorld, type World } from "../support/appraisal-world.ts";
import { buildGo } from "../support/go-program.ts";
import { describeReal, realData } from "../support/real-data.ts";

const go = buildGo(join(import.meta.dirname, "go-in-toto"));
if (go.path === null) process.stderr.write(`SKIPPED: in-toto's library in Go: ${go.why}\n`);
afterAll(() => go.remove());

/** What the library read; a text where it refuses the statement. */
function read(statement: Uint8Array): unknown {
  const { stdout, status } = spawnSync(go.path ?? "", [], { input: statement, encoding: "utf8" });
  return status === 0 ? JSON.parse(stdout) : stdout.trim();
}

let good: Machine;
let world: World;
beforeAll(async () => {
  good = await machineOf();
  world = await makeWorld(good);
});

const judged = async (machine: Machine): Promise<JudgedMachine> =>
  judgedMachine(await judge(world, machine), world.verified, encodeEvidence(machine.evidence), machine.nonce);

describe.skipIf(go.path === null)("github.com/in-toto/attestation 1.2.0", () => {
  test("reads the verification result of a trusted machine, though its own type is of an older version", async () => {
    const machine = await judged(good);
    expect(read(writeSvr(machine, "https://verifier.example"))).toEqual({
      subject: { sha256: machine.evidence },
      predicateType: "https://in-toto.io/attestation/svr/v0.2",
      properties: ["TOUCHSTONE_TRUSTED", "TOUCHSTONE_PROFILE_first"],
      oldPredicate: "refused",
    });
  });

  test("reads that of a refused one, which says so", async () => {
    const machine = await judged(await tamper(good, "quote-edited"));
    expect(read(writeSvr(machine, "https://verifier.example"))).toMatchObject({
      properties: ["TOUCHSTONE_REJECTED"],
    });
  });

  test("refuses one whose subject has no digest", async () => {
    const statement = JSON.parse(Buffer.from(writeSvr(await judged(good), "x:y")).toString());
    statement.subject[0].digest = {};
    expect(read(utf8(JSON.stringify(statement)))).toBe("at least one digest required");
  });

  test("reads the payload of every entry of a log", () => {
    const { envelopes } = world.log;
    expect(envelopes.length).toBeGreaterThan(8);
    for (const { payload, statement } of envelopes)
      expect(read(payload)).toMatchObject({ predicateType: `urn:touchstone:${statement.kind}:v1` });
  });

  describeReal("of the vectors", () => {
    test.each([
      ["verdict.svr.json", { oldPredicate: "refused" }],
      ["bad-verdict-no-policies.svr.json", { oldPredicate: "read" }],
      ["verdict.vsa.json", { predicateType: "https://slsa.dev/verification_summary/v1" }],
    ])("%s is read", (name, found) => {
      expect(read(realData(`vectors/standards/ours/verdict/${name}`))).toMatchObject(found);
    });

    test("the one whose subject has no digest is refused", () => {
      const refused = read(realData("vectors/standards/ours/verdict/bad-verdict-no-digest.vsa.json"));
      expect(refused).toBe("at least one digest required");
    });
  });
});
