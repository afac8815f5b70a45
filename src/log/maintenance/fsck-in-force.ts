// Compares what a start reads back as in force with what follows from the entries.
import { canonicalize } from "../../protocol/envelope/canonical-json.ts";
import type { InForce } from "../../protocol/registration/in-force.ts";
import { loadInForce } from "../sequencing/load-in-force.ts";
import type { LogReader } from "../store/log-store.ts";
import type { FsckFindings } from "./fsck-finding.ts";

/** What a start reads back; undefined, with a finding, where that cannot be read. */
export function inForceReadBack(
  store: LogReader,
  size: number,
  findings: FsckFindings,
): Promise<InForce | undefined> {
  return findings.readable("in-force", "what the start reads back", () => loadInForce(store, size));
}

/** @param replayed what follows from all of the entries. */
export async function checkInForce(
  store: LogReader,
  replayed: InForce,
  size: number,
  findings: FsckFindings,
): Promise<void> {
  const loaded = await inForceReadBack(store, size, findings);
  if (loaded !== undefined && describe(loaded) !== describe(replayed))
    findings.add("in-force", "what the start reads back differs from what the entries say");
}

function describe({
  size,
  trustRoots,
  policies,
  revokedDigests,
  revokedKeys,
  revokedIdentities,
  identityKeys,
  recordedAt,
  status,
  changedAt,
}: InForce): string {
  const roots = trustRoots.map(({ index, digest }) => ({ index, digest }));
  const newest = [...policies]
    .map(([name, policy]) => ({ name, ...policy }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return canonicalize({
    size,
    roots,
    newest,
    revoked: [...revokedDigests].sort(),
    revokedKeys,
    revokedIdentities,
    providers: identityKeys.map(({ index, digest }) => ({ index, digest })),
    recordedAt,
    status,
    changedAt,
  });
}
