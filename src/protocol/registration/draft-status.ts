// Drafts a status: the summary of what is in force, which whoever replays the log computes the same.
import { formatTime } from "../entry/fields.ts";
import { formatStatement } from "../envelope/statement.ts";
import { currentTrustRoot, type InForce, summarise } from "./in-force.ts";

/**
 * The payload of the next status, issued now and good for as long as the trust root allows.
 * @param indexRoot of the index over the entries that it summarises, hex; null where the trust root has none.
 */
export function draftStatus(inForce: InForce, now: Date, indexRoot: string | null = null): Uint8Array {
  const lifetime = currentTrustRoot(inForce)?.root.maxStatusAge ?? 0;
  return formatStatement("status", {
    name: "status",
    sequence: (inForce.status?.sequence ?? 0) + 1,
    previous: inForce.status?.digest ?? null,
    treeSize: inForce.size,
    ...summarise(inForce),
    index: indexRoot === null ? null : { size: inForce.size, root: indexRoot },
    issuedAt: formatTime(now),
    expires: formatTime(new Date(now.getTime() + lifetime * 1000)),
  });
}
