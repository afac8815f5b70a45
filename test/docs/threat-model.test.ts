// docs/threat-model.md says of each attacker what the README says, leaves none of them out, and names tests that there are.
import { describe, expect, it } from "vitest";
import { readProject } from "../support/example-build.ts";
import { expectTests, tableAfter } from "./table-of-tests.ts";

const README = tableAfter(readProject("README.md"), "## Who trusts whom");
const ROWS = tableAfter(readProject("docs/threat-model.md"), "# Threat model");
const ATTACKERS = new Map(ROWS.map(([attacker = "", worst]) => [attacker, worst]));

describe("docs/threat-model.md", () => {
  it("has whoever the README's table has, in its words", () => {
    for (const [party = "", , worst] of README) expect(ATTACKERS.get(party), party).toBe(worst);
  });

  it("has the attackers that are no party to be trusted, too", () => {
    const others = [...ATTACKERS.keys()].filter((attacker) => !README.some(([party]) => party === attacker));
    expect(others).toEqual([
      "a client who may not publish",
      "storage: disk, backup, bucket",
      "the operator, with the log key and the service",
      "whoever stands between a gate and its machine: an interceptor, a balancer, a name server",
      "a web page, another program on the machine of a local gate",
      "whoever carries a sealed request: relay, CDN, TLS terminator",
      "a mirror",
      "a receipt key",
      "any role's keys, below its threshold",
      "an attesting machine, with its root",
      "the relying party's own clock",
      "the relying party's own disk",
    ]);
  });

  it.each(ROWS.map(([attacker = "", , , shown = ""]) => [attacker, shown] as const))(
    "names tests that there are, of %s",
    (_, shown) => expectTests(shown),
  );
});
