// Compares what an entry states with what was computed from rebuilt files, field by field. A field is a member of the predicate, a member of that,
// or an element of a list by the name of its file.
import { canonicalize } from "../../protocol/envelope/canonical-json.ts";

export type FieldOutcome = "equal" | "differs" | "not-reproducible";

export interface ComparedField {
  /** Such as "uki.sha256" or "modules[nvidia.ko]". */
  readonly field: string;
  readonly outcome: FieldOutcome;
  /** RFC 8785 form of what the entry states; null where it states no such field. */
  readonly stated: string | null;
  /** The same of what was computed; null where it was not. */
  readonly found: string | null;
}

type Members = Readonly<Record<string, unknown>>;

/** @param rebuilt the members that were computed; whatever is not in it cannot be reproduced from the files that were given. */
export function compareFields(stated: Members, rebuilt: Members): ComparedField[] {
  const [ofStated, ofRebuilt] = [fieldsOf(stated), fieldsOf(rebuilt)];
  const computed = new Set(Object.keys(rebuilt));
  const names = [...new Set([...ofStated.keys(), ...ofRebuilt.keys()])];
  return names.map((field) => {
    const [mine, other] = [ofStated.get(field) ?? null, ofRebuilt.get(field) ?? null];
    const member = /^[A-Za-z0-9]+/.exec(field)?.[0] ?? "";
    // Of an object some members may be computed and others not; a list is computed as a whole.
    const reproduced = other !== null || (computed.has(member) && Array.isArray(rebuilt[member]));
    const outcome = !reproduced ? "not-reproducible" : mine === other ? "equal" : "differs";
    return { field, outcome, stated: mine, found: other };
  });
}

/** Equal where something is and nothing differs. */
export function resultOf(fields: readonly ComparedField[]): "equal" | "differs" {
  const equal = fields.some(({ outcome }) => outcome === "equal");
  return equal && !fields.some(({ outcome }) => outcome === "differs") ? "equal" : "differs";
}

function fieldsOf(members: Members): Map<string, string> {
  const fields = new Map<string, string>();
  for (const [member, value] of Object.entries(members)) {
    if (Array.isArray(value))
      for (const [i, element] of value.entries())
        fields.set(`${member}[${nameOf(element, i)}]`, canonicalize(element));
    else if (typeof value === "object" && value !== null)
      for (const [key, inner] of Object.entries(value)) fields.set(`${member}.${key}`, canonicalize(inner));
    else fields.set(member, canonicalize(value));
  }
  return fields;
}

function nameOf(element: unknown, index: number): string {
  const named = element as { readonly fileName?: unknown; readonly foundIn?: unknown } | null;
  return typeof named?.fileName === "string" ? named.fileName : String(index);
}
