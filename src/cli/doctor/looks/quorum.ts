// Looks whether those who would cosign now are a quorum.
import { isQuorumOf } from "../../../log/checkpointing/quorum.ts";
import { parseTlogPolicy } from "../../../protocol/note/tlog-policy.ts";
import { fault, ok } from "../finding.ts";
import type { Look } from "../look.ts";
import { askWitnesses, wouldCosign } from "../witness-answers.ts";

export const quorum: Look = {
  check: "quorum",
  async look(examined) {
    // Where nothing is published nobody was asked.
    if (examined.log === null || examined.log.published === null) return [];
    const policy = parseTlogPolicy(examined.log.root.logPolicy);
    if (policy.quorum === "none") return [ok("the trust root asks for no cosignatures")];
    const answers = await askWitnesses(examined);
    const names = answers.filter(wouldCosign).map(({ witness }) => witness.name);
    const of = `${names.length} of ${policy.witnesses.length} witnesses answer`;
    if (isQuorumOf(policy, ({ name }) => names.includes(name))) return [ok(of)];
    return [
      fault(
        `${of}, which is no quorum: nothing new is published, and the log takes no more entries after a while`,
        "bring witnesses back, or publish a trust root that names others",
      ),
    ];
  },
};
