-- The entries of one version are those of it in each kind, and of a version in a kind they lie in their order.
CREATE INDEX entries_by_kind_and_version ON entries (kind, version, idx);

-- A search, in the database: each step is a row of an index, and a round trip for each would be slow. It asks every condition in turn for
-- its newest entry that is not above the candidate, until all name the same one. Rows are compared as (condition, idx), of which only the
-- index of that condition has the order: any other plan could walk the log.
-- most: rows that may be examined; cost: what one entry that is found counts for.
CREATE FUNCTION search_v1(
  a_kind text, a_name text, a_version text, a_publisher bytea, a_prefix bigint, kinds text[],
  before bigint, page integer, most integer, cost integer,
  OUT indexes bigint[], OUT next bigint, OUT examined integer
) LANGUAGE plpgsql STABLE
  SET search_path FROM CURRENT SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  candidate bigint := before - 1;
  lowest bigint;
BEGIN
  indexes := '{}';
  examined := 0;
  WHILE candidate >= 0 AND examined < most LOOP
    lowest := candidate;
    IF a_prefix IS NOT NULL THEN
      examined := examined + 1;
      lowest := (SELECT CASE WHEN prefix = a_prefix THEN idx END FROM entry_digests
                 WHERE (prefix, idx) <= (a_prefix, lowest) ORDER BY prefix DESC, idx DESC LIMIT 1);
    END IF;
    IF a_publisher IS NOT NULL AND lowest IS NOT NULL THEN
      examined := examined + 1;
      lowest := (SELECT CASE WHEN key_id = a_publisher THEN idx END FROM entry_signers
                 WHERE (key_id, idx) <= (a_publisher, lowest) ORDER BY key_id DESC, idx DESC LIMIT 1);
    END IF;
    IF a_name IS NOT NULL AND lowest IS NOT NULL THEN
      examined := examined + 1;
      lowest := (SELECT CASE WHEN name = a_name THEN idx END FROM entries
                 WHERE (name, idx) <= (a_name, lowest) ORDER BY name DESC, idx DESC LIMIT 1);
    END IF;
    IF a_kind IS NOT NULL AND a_version IS NULL AND lowest IS NOT NULL THEN
      examined := examined + 1;
      lowest := (SELECT CASE WHEN kind = a_kind THEN idx END FROM entries
                 WHERE (kind, idx) <= (a_kind, lowest) ORDER BY kind DESC, idx DESC LIMIT 1);
    END IF;
    IF a_version IS NOT NULL AND lowest IS NOT NULL THEN
      examined := examined + CASE WHEN a_kind IS NULL THEN cardinality(kinds) ELSE 1 END;
      lowest := (SELECT max(found.idx) FROM unnest(CASE WHEN a_kind IS NULL THEN kinds ELSE ARRAY[a_kind] END) AS one (kind)
                 CROSS JOIN LATERAL (SELECT CASE WHEN entries.kind = one.kind AND version = a_version THEN idx END AS idx FROM entries
                   WHERE (entries.kind, version, idx) <= (one.kind COLLATE "C", a_version, lowest)
                   ORDER BY entries.kind DESC, version DESC, idx DESC LIMIT 1) AS found);
    END IF;
    IF lowest IS NULL THEN
      RETURN;
    END IF;
    IF lowest = candidate THEN
      IF cardinality(indexes) = page THEN
        next := candidate + 1;
        RETURN;
      END IF;
      examined := examined + cost;
      indexes := indexes || candidate;
      candidate := candidate - 1;
    ELSE
      candidate := lowest;
    END IF;
  END LOOP;
  next := CASE WHEN candidate >= 0 THEN candidate + 1 END;
END $$;
