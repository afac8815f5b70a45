// Looks whether the database server keeps what it acknowledges, and is reached directly.
import { fault, ok } from "../finding.ts";
import type { Look } from "../look.ts";

const PROMOTE =
  "give storage.postgres the address of the server that takes writes. Where that one is lost, promote a standby that was synchronous, and no other";

export const server: Look = {
  check: "server",
  async look({ server }) {
    if (server === null) return [];
    const problems = server.unsafe.map((why) => fault(why, "the log does not start on it"));
    const following = server.isStandby
      ? [fault("the server is a standby, and takes no writes", PROMOTE)]
      : [];
    const remarks = [...problems, ...following];
    return remarks.length > 0 ? remarks : [ok("fsync and full_page_writes are on, no pooler is in between")];
  },
};
