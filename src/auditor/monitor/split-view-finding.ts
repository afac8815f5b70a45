// Makes the finding of a split view: the proof, and in a sentence what it proves.
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { readShown } from "../shown-checkpoint.ts";
import type { SplitView } from "../split-view.ts";
import type { Finding } from "./finding.ts";

/** @param vantage that showed the tree which is not the one that is followed. */
export function splitViewFinding(vantage: string, proof: SplitView): Finding {
  const [smaller, larger] = [readShown(proof.smaller), readShown(proof.larger)];
  const tree = ({ size, root }: typeof smaller) => `size ${size}, root ${encodeHex(root)}`;
  return {
    class: "tamper",
    code: "split-view",
    subject: vantage,
    instance: `${tree(smaller)} / ${tree(larger)}`,
    message: `${vantage}: the log signed two trees: ${tree(smaller)} is no beginning of ${tree(larger)}`,
    proof,
  };
}
