// Looks what each witness says that it saw. It is asked as one that is shown a log for the first time: it answers how much it knows. One that
// knows nothing cosigns the checkpoint that it is shown, which is published already.
import { fault, ok, type Remark, warning } from "../finding.ts";
import type { Look } from "../look.ts";
import { askWitnesses, type WitnessAnswer } from "../witness-answers.ts";

const RECOVER =
  "the database lost entries, or somebody else signs with the log's key: find out which before anything is started, and fetch what is missing with 'touchstone recover --from MIRROR'";

export const witness: Look = {
  check: "witness",
  async look(examined) {
    const answers = await askWitnesses(examined);
    return answers.map((answer) => judge(answer, examined.log?.published?.checkpoint.size ?? 0));
  },
};

function judge({ witness: { name }, says }: WitnessAnswer, published: number): Remark {
  if (says === "own") return ok(`${name} is this log's own cosigner`);
  if (says === "nowhere")
    return warning(
      `${name} is named by the trust root, and nothing says where it is reached`,
      "add it to [[witnesses]] of the configuration",
    );
  if ("silent" in says) return warning(`${name}: ${says.silent}`, "ask its operator");
  const { seen, committed } = says;
  if (seen > committed)
    return fault(`${name} has seen ${seen} entries, the database has ${committed}`, RECOVER);
  if (seen < published)
    return warning(
      `${name} has seen ${seen} of ${published} published entries`,
      "it was not reached when they were published; it catches up with the next checkpoint",
    );
  return ok(`${name} has seen ${seen} entries`);
}
