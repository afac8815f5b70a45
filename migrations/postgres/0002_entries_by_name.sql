-- A search steps down every condition's own index to the entries that all of them name: this one has the entries of one name in their
-- order.
CREATE INDEX entries_by_name ON entries (name, idx);
