// Shows a store as it was before an entry, so that the entry can be decided again long after it was registered.
import type { EntryRecord } from "../../protocol/registration/references.ts";
import type { EntryLookup } from "../store/log-store.ts";

/** The store as it was before an entry: its lookups find nothing newer. */
export function entriesBefore(store: EntryLookup, index: number): EntryLookup {
  const below = (record: EntryRecord | undefined) =>
    record !== undefined && record.index < index ? record : undefined;
  return {
    findByDigest: async (digest) => below(await store.findByDigest(digest)),
    findByIdentity: async (kind, name, version) => below(await store.findByIdentity(kind, name, version)),
    hasAttachment: (digest, size) => store.hasAttachment(digest, size),
  };
}
