// Finds the releases of the log that a policy or another release names.
import { describeReference } from "../../protocol/entry/reference.ts";
import type { ReleaseKind } from "../../protocol/entry/release-kinds.ts";
import { MalformedError } from "../../protocol/errors.ts";
import type { LogClient } from "../client/log-client.ts";
import { findEntry, parseReference } from "../client/lookup.ts";
import { type ReferenceTo, type Released, type ReleaseName, releasedAs } from "./release-set.ts";
import type { ReleaseSource } from "./select-release.ts";

export interface LoggedRelease<K extends ReleaseKind> extends Released<K> {
  readonly payload: Uint8Array;
}

/** @throws MalformedError when the log has no release of that kind, name and version. */
export async function findRelease<K extends ReleaseKind>(
  client: LogClient,
  wanted: ReleaseName<K>,
): Promise<LoggedRelease<K>> {
  const found = await findEntry(client, wanted);
  if (found === undefined)
    throw new MalformedError("reference", `the log has no ${describeReference(wanted)}`);
  const { payload, payloadDigest } = found.envelope;
  return { ...releasedAs(wanted.kind, found.envelope.statement, payloadDigest), payload };
}

/** The release that an entry refers to. @throws MalformedError when the log has none, or one of another content. */
export async function followReference<K extends ReleaseKind>(
  client: LogClient,
  wanted: ReferenceTo<K>,
): Promise<LoggedRelease<K>> {
  const found = await findRelease(client, wanted);
  if (found.reference.digest === wanted.digest) return found;
  throw new MalformedError(
    "reference",
    `${describeReference(wanted)} is in the log with another content than the one referred to`,
  );
}

/** The releases of the log, each chosen as name@version. */
export function releasesOf(client: LogClient): ReleaseSource {
  return {
    find: (chosen, kind) => findRelease(client, { kind, ...parseRelease(kind, chosen) }),
    follow: (reference) => followReference(client, reference),
  };
}

/** @param text name@version. @throws MalformedError */
export function parseRelease(kind: ReleaseKind, text: string): { name: string; version: string } {
  const { name, version } = parseReference(`${kind}/${text}`);
  return { name, version };
}
