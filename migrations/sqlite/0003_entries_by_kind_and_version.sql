-- The entries of one version are those of it in each kind, and of a version in a kind they lie in their order: a search for both steps
-- down one index. Alone, a version leads to entries of all kinds, of which those of the kind that is asked for may be few.
DROP INDEX entries_by_version;
CREATE INDEX entries_by_kind_and_version ON entries (kind, version);
