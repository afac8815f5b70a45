// Looks whether the file of the index is this log's, and covers it.
import { equalBytes } from "../../../protocol/encoding/bytes.ts";
import { indexOf } from "../../../service/config.ts";
import { fault, ok, warning } from "../finding.ts";
import type { Look } from "../look.ts";

export const indexFile: Look = {
  check: "index",
  async look({ log, config, index }) {
    const { file, ahead } = indexOf(config.storage);
    if (log === null || !(log.root.index || ahead)) return [];
    if (index === null) return [warning(`${file} is not there`, "the service makes it when it starts")];
    const again = `stop the service and remove ${file}, which it makes again`;
    if (index.state === null) return [fault(`${file}: ${index.damage}`, again)];
    const { size, treeRoot } = index.state;
    const { head } = log.state;
    if (size > head.size || (size > 0 && !equalBytes(await log.prover.rootAt(size), treeRoot)))
      return [fault(`${file} is the index of another log, or of another history of this one`, again)];
    if (size < head.size)
      return [
        warning(
          `${file} covers ${size} of ${head.size} entries`,
          "the service adds what is missing while it runs",
        ),
      ];
    return [ok(`${file} covers all ${size} entries`)];
  },
};
