-- The log: entries, what finds them again, the tiles of their tree, its head, and every checkpoint that was published.
-- Everything but the head and the tiles at the right edge is written once. The triggers hold that against our own mistakes.
-- It runs in the schema of one log. Text is compared byte for byte, as JavaScript and SQLite do.

-- A leaf stays in its row, compressed: one place to read and one to write, three to a page.
CREATE TABLE entries (
  idx            bigint PRIMARY KEY CHECK (idx >= 0),
  leaf           bytea NOT NULL CHECK (length(leaf) BETWEEN 1 AND 65535),
  payload_digest bytea NOT NULL UNIQUE CHECK (length(payload_digest) = 32),
  kind           text COLLATE "C" NOT NULL,
  name           text COLLATE "C" NOT NULL,
  version        text COLLATE "C" NOT NULL,
  UNIQUE (name, kind, version)
) WITH (toast_tuple_target = 8160);
ALTER TABLE entries ALTER COLUMN leaf SET STORAGE MAIN;
CREATE INDEX entries_by_kind ON entries (kind, idx);

-- What people search for: every digest that a statement names, by its first 48 bits, and every key that signed one. Short rows keep
-- the index of random keys small, which is most of what an append writes; a search compares what it finds with the entry itself.
CREATE TABLE entry_digests (
  prefix bigint NOT NULL CHECK (prefix BETWEEN 0 AND 281474976710655),
  idx    bigint NOT NULL,
  PRIMARY KEY (prefix, idx)
);
CREATE TABLE entry_signers (
  key_id bytea NOT NULL CHECK (length(key_id) = 32),
  idx    bigint NOT NULL,
  PRIMARY KEY (key_id, idx)
);

-- Tiles of C2SP tlog-tiles. A tile grows at its end until it holds 256 hashes, so every narrower one is its beginning.
-- inner_nodes: the 254 nodes between a full tile's hashes and its root, lowest level first. Hashes cannot be compressed.
CREATE TABLE tiles (
  level       integer NOT NULL CHECK (level BETWEEN 0 AND 6),
  idx         bigint NOT NULL CHECK (idx >= 0),
  hashes      bytea NOT NULL CHECK (length(hashes) BETWEEN 32 AND 8192 AND length(hashes) % 32 = 0),
  inner_nodes bytea,
  PRIMARY KEY (level, idx),
  CHECK ((inner_nodes IS NULL) = (length(hashes) < 8192) AND (inner_nodes IS NULL OR length(inner_nodes) = 8128))
);
ALTER TABLE tiles ALTER COLUMN hashes SET STORAGE EXTERNAL, ALTER COLUMN inner_nodes SET STORAGE EXTERNAL;

CREATE TABLE tree_head (
  one  integer PRIMARY KEY CHECK (one = 1),
  size bigint NOT NULL CHECK (size >= 0),
  root bytea NOT NULL CHECK (length(root) = 32)
) WITH (fillfactor = 10);
INSERT INTO tree_head VALUES (1, 0, '\xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');

CREATE TABLE checkpoints (
  number      bigint PRIMARY KEY CHECK (number > 0),
  size        bigint NOT NULL CHECK (size > 0),
  cosigned_at bigint NOT NULL CHECK (cosigned_at > 0), -- POSIX seconds
  note        text COLLATE "C" NOT NULL
);
CREATE INDEX checkpoints_by_size ON checkpoints (size, number);

CREATE TABLE attachments (
  digest bytea PRIMARY KEY CHECK (length(digest) = 32),
  bytes  bytea NOT NULL CHECK (length(bytes) BETWEEN 1 AND 16777216)
);
ALTER TABLE attachments ALTER COLUMN bytes SET STORAGE EXTERNAL;

CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
END $$;

-- The rows of one statement follow the ones before, and each other.
CREATE FUNCTION require_order() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  first bigint;
  last bigint;
  rows bigint;
BEGIN
  SELECT min(idx), max(idx), count(*) INTO first, last, rows FROM added;
  IF rows > 0 AND (last - first + 1 <> rows
      OR (first > 0 AND NOT EXISTS (SELECT FROM entries WHERE idx = first - 1))
      OR EXISTS (SELECT FROM entries WHERE idx > last)) THEN
    RAISE EXCEPTION 'entries are appended one after the other' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER entries_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON entries
  FOR EACH STATEMENT EXECUTE FUNCTION refuse('entries are never changed or removed');
CREATE TRIGGER entries_in_order AFTER INSERT ON entries REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION require_order();
CREATE TRIGGER tiles_grow BEFORE UPDATE ON tiles FOR EACH ROW
  WHEN (NEW.level <> OLD.level OR NEW.idx <> OLD.idx OR substring(NEW.hashes FOR length(OLD.hashes)) <> OLD.hashes)
  EXECUTE FUNCTION refuse('tiles only grow');
CREATE TRIGGER tiles_no_delete BEFORE DELETE OR TRUNCATE ON tiles
  FOR EACH STATEMENT EXECUTE FUNCTION refuse('tiles are never removed');
CREATE TRIGGER tree_head_grows BEFORE UPDATE ON tree_head FOR EACH ROW
  WHEN (NEW.size < OLD.size OR (NEW.size = OLD.size AND NEW.root <> OLD.root))
  EXECUTE FUNCTION refuse('the tree only grows');
CREATE TRIGGER tree_head_no_delete BEFORE DELETE OR TRUNCATE ON tree_head
  FOR EACH STATEMENT EXECUTE FUNCTION refuse('the tree head is never removed');
CREATE TRIGGER checkpoints_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON checkpoints
  FOR EACH STATEMENT EXECUTE FUNCTION refuse('checkpoints are kept for ever');
CREATE TRIGGER attachments_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON attachments
  FOR EACH STATEMENT EXECUTE FUNCTION refuse('attachments are never changed or removed');
CREATE TRIGGER entry_digests_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON entry_digests
  FOR EACH STATEMENT EXECUTE FUNCTION refuse('what finds entries is never changed or removed');
CREATE TRIGGER entry_signers_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON entry_signers
  FOR EACH STATEMENT EXECUTE FUNCTION refuse('what finds entries is never changed or removed');
