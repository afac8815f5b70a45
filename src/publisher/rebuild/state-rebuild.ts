// States a rebuild: the release by digest, the outcome of every field, and who built it again with what.
import {
  REBUILT_KINDS,
  type Rebuild,
  type RebuiltKind,
  rebuild,
} from "../../protocol/entry/kinds/rebuild.ts";
import { describeReference, type Reference } from "../../protocol/entry/reference.ts";
import { formatStatement } from "../../protocol/envelope/statement.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { type ComparedField, resultOf } from "./compare-fields.ts";

export interface Rebuilder {
  /** Name and version of the entry to be. */
  readonly name: string;
  readonly version: string;
  /** URI or name of who built it. */
  readonly id: string;
  /** Where the source is that was built. */
  readonly source: string;
  readonly toolchain: Rebuild["toolchain"];
}

/** The statement's payload. @throws MalformedError for a release that cannot be built again, or a field that is not valid. */
export function stateRebuild(
  of: Reference,
  fields: readonly ComparedField[],
  { name, version, id, source, toolchain }: Rebuilder,
): Uint8Array {
  if (!isRebuilt(of)) throw new MalformedError("rebuilt release", `a ${of.kind} is not built`);
  const predicate: Rebuild = {
    name,
    version,
    channel: "rebuilds",
    svn: 0,
    builder: { id },
    source: { uri: source, commit: null, sha256: null },
    provenance: null,
    of,
    toolchain,
    result: resultOf(fields),
    fields: fields.map(({ field, outcome }) => ({ field, outcome })),
  };
  return formatStatement(rebuild.kind, predicate, [
    { name: describeReference(of), digest: { sha256: of.digest } },
  ]);
}

function isRebuilt(of: Reference): of is Reference & { readonly kind: RebuiltKind } & Rebuild["of"] {
  return REBUILT_KINDS.some((kind) => kind === of.kind);
}
