// docs/interop.md says of every form what it cannot say, in the code's own words, and its blocks run.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { parseCoseSign1 } from "../../src/protocol/cose/cose-sign1.ts";
import { RECEIPT_CANNOT_SAY } from "../../src/verifier/receipt/verify-receipt.ts";
import { CORIM_PROFILE } from "../../src/views/corim.ts";
import { coserv } from "../../src/views/coserv.ts";
import { POLICY_VIEWS } from "../../src/views/list.ts";
import { installCommands, Practice } from "../drills/practice.ts";
import { API_TOOLS } from "../support/api-tools.ts";
import { readProject } from "../support/example-build.ts";

const PAGE = readProject("docs/interop.md");
const between = (marker: string) =>
  new RegExp(`<!-- ${marker}:begin -->\n((?:.|\n)*?)<!-- ${marker}:end -->`).exec(PAGE)?.[1];
const blockOf = (name: string) =>
  new RegExp(`^\`\`\`sh interop=${name}\n([^]*?)^\`\`\`$`, "m").exec(PAGE)?.[1] ?? "exit 9";

test("it has a row for each view: its revision, and what is not in it", () => {
  const rows = [...POLICY_VIEWS, coserv].map(
    ({ format, revision, cannotSay }) => `| \`${format}\` | ${revision} | ${cannotSay.join(" ")} |\n`,
  );
  expect(between("views")).toBe(rows.join(""));
});

test("it lists what is not in a receipt", () => {
  expect(between("receipt")).toBe(RECEIPT_CANNOT_SAY.map((sentence) => `- ${sentence}\n`).join(""));
});

describe("a reader of what the log signs", () => {
  const program = mkdtempSync(join(tmpdir(), "touchstone-program-"));
  let practice: Practice;
  const RELEASE = `
    for name in tdx-8vcpu-1gpu gsp rim-driver rim-vbios nvidia-open inference; do
      touchstone sign "$EXAMPLES/example-$name.json" --key log/keys/publisher.pem -o "$name.dsse.json"
    done
    touchstone publish {tdx-8vcpu-1gpu,gsp,rim-driver,rim-vbios,nvidia-open,inference}.dsse.json --to "$LOG" --trust trust-root.json
    touchstone policy draft production --content "$EXAMPLES/policy.json" --to "$LOG" --trust trust-root.json -o policy.json
    touchstone policy sign policy.json --key log/keys/policy.pem
    touchstone policy publish policy.dsse.json --to "$LOG" --trust trust-root.json`;
  const python = `export PATH="${join(API_TOOLS, "python", "bin")}:$PATH"`;

  beforeAll(async () => {
    await installCommands(program);
    practice = await Practice.make(program);
    const { code, output } = await practice.run(
      'touchstone init log --origin log.example.com/receipts --url "$LOG" --receipt-key',
      "systemctl start touchstone",
      'touchstone sign "$EXAMPLES/example-kernel.json" --key log/keys/publisher.pem -o kernel.dsse.json',
      'touchstone publish kernel.dsse.json --to "$LOG" --trust log/trust-root.json',
      "cp log/trust-root.json .",
      RELEASE,
    );
    expect(code, output).toBe(0);
  }, 180_000);
  afterAll(async () => {
    await practice.remove();
    rmSync(program, { recursive: true, force: true });
  });

  it("fetches one and verifies it, as the page says", { timeout: 60_000 }, async () => {
    const { code, output } = await practice.run(blockOf("receipt"));
    expect(code, output).toBe(0);
    expect(output).toContain("verified: kernel-patch-set/");
  });

  it("asks it by CoSERV, as the page says, and is answered under the receipt key", {
    timeout: 60_000,
  }, async (test) => {
    if ((await practice.run("curl --version")).code !== 0) return test.skip("curl is not installed");
    const { code, output } = await practice.run(blockOf("coserv"));
    expect(code, output).toBe(0);
    expect(output).toContain("/endorsement-distribution/v1/coserv/{query}");
    const { payload } = parseCoseSign1(readFileSync(join(practice.folder, "guest.coserv")), "test");
    expect(Buffer.from(payload!).toString("latin1")).toContain(CORIM_PROFILE);
  });

  it("serves its policy as CoRIM, as the page says, the signed one around the other", {
    timeout: 60_000,
  }, async () => {
    const { code, output } = await practice.run(blockOf("corim"));
    expect(code, output).toBe(0);
    const [plain, signed] = ["production.corim", "production.corim.cose"].map((name) =>
      readFileSync(practice.at(name)),
    );
    expect(plain!.subarray(0, 3)).toEqual(Buffer.from("d901f5", "hex"));
    expect(signed!.includes(plain!)).toBe(true);
  });

  it("verifies it with scitt-cose, as the page says", { timeout: 60_000 }, async (test) => {
    const { code } = await practice.run(python, "python3 -c 'import scitt_cose'");
    if (code !== 0) return test.skip("scitt-cose is not installed; .ci/run installs it");
    expect(await practice.run(python, blockOf("scitt-cose"))).toMatchObject({
      code: 0,
      stdout: "accepted\n",
    });
  });
});
