-- A search steps down every condition's own index to the entries that all of them name. Names had an index by kind and version only,
-- which does not have the entries of one name in their order.
CREATE INDEX entries_by_name ON entries (name);
