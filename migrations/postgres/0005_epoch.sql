-- Who writes. Each who begins to lead raises the epoch, and what is written carries it: what an earlier one still sends is refused.
-- The lease, by this database's clock, tells the others when to stop waiting for the one that leads; nothing rests on it.
ALTER TABLE tree_head
  ADD COLUMN epoch       bigint NOT NULL DEFAULT 0 CHECK (epoch >= 0),
  ADD COLUMN holder      text COLLATE "C",
  ADD COLUMN address     text COLLATE "C",
  ADD COLUMN lease_until timestamptz NOT NULL DEFAULT '-infinity',
  -- How many were published: one that is missing was removed.
  ADD COLUMN checkpoints bigint NOT NULL DEFAULT 0 CHECK (checkpoints >= 0);
CREATE TRIGGER tree_head_keeps_count BEFORE UPDATE ON tree_head FOR EACH ROW
  WHEN (NEW.epoch < OLD.epoch OR NEW.checkpoints < OLD.checkpoints)
  EXECUTE FUNCTION refuse('epochs and checkpoints are counted upwards');

-- Begins an epoch. Its commit waits for the synchronous standbys: what is read after it can no longer be lost.
CREATE FUNCTION lead_v1(a_holder text, an_address text, lease double precision) RETURNS bigint
  LANGUAGE sql SET search_path FROM CURRENT AS $$
  UPDATE tree_head SET epoch = epoch + 1, holder = a_holder, address = an_address,
         lease_until = clock_timestamp() + make_interval(secs => lease)
  RETURNING epoch
$$;

-- Renews the lease, or ends it (0). @raises TS001.
CREATE FUNCTION renew_v1(mine bigint, lease double precision) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  UPDATE tree_head SET lease_until = clock_timestamp() + make_interval(secs => lease),
         holder = CASE WHEN lease > 0 THEN holder END, address = CASE WHEN lease > 0 THEN address END
  WHERE epoch = mine;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'epoch % is over, % is current', mine, (SELECT epoch FROM tree_head) USING ERRCODE = 'TS001';
  END IF;
END $$;

-- One append, whole, in one statement: no transaction is open while the client has the word. The head comes first: it is what
-- appends wait for each other at, and what refuses one that comes too late. Bytes of one kind are one after the other in one value, with
-- their lengths in another. @raises TS001 when the epoch is over, TS002 when the tree is not of the size that was expected.
CREATE FUNCTION append_v1(
  mine bigint, lease double precision, expected bigint, new_size bigint, new_root bytea,
  leaves bytea, leaf_lengths integer[], payload_digests bytea, kinds text[], names text[], versions text[],
  signers bytea, signers_of bigint[], tokens bytea, tokens_of bigint[], prefixes bigint[], prefixes_of bigint[],
  tiles_bytes bytea, tile_levels integer[], tile_indexes bigint[], hashes_lengths integer[], inner_lengths integer[],
  attachments_bytes bytea, attachment_lengths integer[], attachment_digests bytea
) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  current record;
BEGIN
  UPDATE tree_head SET size = new_size, root = new_root, lease_until = clock_timestamp() + make_interval(secs => lease)
  WHERE size = expected AND epoch = mine AND new_size = expected + cardinality(leaf_lengths);
  IF NOT FOUND THEN
    SELECT size, epoch INTO current FROM tree_head;
    IF current.epoch <> mine THEN
      RAISE EXCEPTION 'epoch % is over, % is current', mine, current.epoch USING ERRCODE = 'TS001';
    END IF;
    RAISE EXCEPTION 'the tree has % entries, the append expected %', current.size, expected USING ERRCODE = 'TS002';
  END IF;

  INSERT INTO entries (idx, leaf, payload_digest, kind, name, version)
  SELECT expected + n - 1, substring(leaves FROM (ends - bytes + 1)::integer FOR bytes),
         substring(payload_digests FROM (32 * n - 31)::integer FOR 32), kind, name, version
  FROM (SELECT *, sum(bytes) OVER (ORDER BY n) AS ends
        FROM unnest(leaf_lengths, kinds, names, versions) WITH ORDINALITY AS given (bytes, kind, name, version, n)) AS placed
  ORDER BY n;

  INSERT INTO entry_signers (key_id, idx)
  SELECT substring(signers FROM (32 * n - 31)::integer FOR 32), idx FROM unnest(signers_of) WITH ORDINALITY AS given (idx, n);
  INSERT INTO entry_tokens (token, idx)
  SELECT substring(tokens FROM (32 * n - 31)::integer FOR 32), idx FROM unnest(tokens_of) WITH ORDINALITY AS given (idx, n);
  INSERT INTO entry_digests (prefix, idx)
  SELECT prefix, idx FROM unnest(prefixes, prefixes_of) AS given (prefix, idx) ON CONFLICT DO NOTHING;

  INSERT INTO tiles (level, idx, hashes, inner_nodes)
  SELECT level, idx, substring(tiles_bytes FROM (ends - inner_bytes - bytes + 1)::integer FOR bytes),
         CASE WHEN inner_bytes > 0 THEN substring(tiles_bytes FROM (ends - inner_bytes + 1)::integer FOR inner_bytes) END
  FROM (SELECT *, sum(bytes + inner_bytes) OVER (ORDER BY n) AS ends
        FROM unnest(tile_levels, tile_indexes, hashes_lengths, inner_lengths) WITH ORDINALITY
          AS given (level, idx, bytes, inner_bytes, n)) AS placed
  ON CONFLICT (level, idx) DO UPDATE SET hashes = excluded.hashes, inner_nodes = excluded.inner_nodes;

  INSERT INTO attachments (digest, bytes)
  SELECT substring(attachment_digests FROM (32 * n - 31)::integer FOR 32),
         substring(attachments_bytes FROM (ends - bytes + 1)::integer FOR bytes)
  FROM (SELECT *, sum(bytes) OVER (ORDER BY n) AS ends
        FROM unnest(attachment_lengths) WITH ORDINALITY AS given (bytes, n)) AS placed
  ON CONFLICT DO NOTHING;

  PERFORM pg_notify('touchstone', format('%s %s 0', current_schema(), new_size));
END $$;

-- Keeps a checkpoint. @raises TS001.
CREATE FUNCTION add_checkpoint_v1(mine bigint, lease double precision, a_size bigint, cosigned bigint, a_note text) RETURNS void
  LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  UPDATE tree_head SET checkpoints = checkpoints + 1, lease_until = clock_timestamp() + make_interval(secs => lease)
  WHERE epoch = mine;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'epoch % is over, % is current', mine, (SELECT epoch FROM tree_head) USING ERRCODE = 'TS001';
  END IF;
  INSERT INTO checkpoints (number, size, cosigned_at, note)
  SELECT head.checkpoints, a_size, cosigned, a_note FROM tree_head AS head;
  PERFORM pg_notify('touchstone', format('%s %s %s', current_schema(), a_size, cosigned));
END $$;
