// tlog-policy texts of sigsum-go, transparency-dev/formats and C2SP, with the truth tables of their quorums.
import { expect, it } from "vitest";
import { isQuorumMet, parseTlogPolicy } from "../../src/protocol/note/tlog-policy.ts";
import { describeReal, realJson } from "../support/real-data.ts";
import { malformedOf } from "../support/refusals.ts";

interface PolicyCase {
  name: string;
  policy?: string;
  policyBase64?: string;
  valid: boolean;
  truthTable?: Array<{ cosigned: string[]; satisfied: boolean }>;
}

/** The specification allows any octets in names; here only UTF-8 is read, so this one is refused, which is safe. */
const NOT_UTF8 = "name that is not UTF-8";

describeReal("vectors/policy/cases.json", () => {
  it("51 policies are read or refused, and the quorums of the good ones decide as their tables say", async () => {
    const { cases } = realJson<{ cases: PolicyCase[] }>("vectors/policy/cases.json");
    let rows = 0;
    for (const c of cases) {
      const text = c.policy ?? new Uint8Array(Buffer.from(c.policyBase64 ?? "", "base64"));
      const error = await malformedOf(() => {
        const policy = parseTlogPolicy(text);
        for (const { cosigned, satisfied } of c.truthTable ?? []) {
          const keys = policy.witnesses.filter((w) => cosigned.includes(w.name)).map((w) => w.key);
          expect(isQuorumMet(policy, keys), `${c.name}: ${cosigned}`).toBe(satisfied);
          rows++;
        }
      });
      expect(error === undefined, c.name).toBe(c.valid && c.name !== NOT_UTF8);
    }
    expect([cases.length, rows]).toEqual([51, 106]);
  });
});
