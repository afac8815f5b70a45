// Shows a store as it was before an entry, so that the entry can be decided again long after it was registered.
import type { EntryLookup } from "../store/log-store.ts";

/** The store as it was before an entry: its lookups find nothing newer. */
export function entriesBefore(store: EntryLookup, index: number): EntryLookup {
  const isBefore = (entry: { readonly index: number }) => entry.index < index;
  return {
    async lookup(asked) {
      const { entries, identities, attachments } = await store.lookup(asked);
      // Of a token the store does not say which entry used it; it holds each once.
      return {
        entries: entries.filter(isBefore),
        identities: identities.filter(isBefore),
        attachments,
        tokens: [],
      };
    },
  };
}
