-- The log: entries, what finds them again, the tiles of their tree, its head, and every checkpoint that was published.
-- Everything but the head and the tiles at the right edge is written once. The triggers hold that against our own mistakes.

CREATE TABLE entries (
  idx            INTEGER PRIMARY KEY CHECK (idx >= 0),
  leaf           BLOB NOT NULL CHECK (length(leaf) BETWEEN 1 AND 65535),
  payload_digest BLOB NOT NULL UNIQUE CHECK (length(payload_digest) = 32),
  kind           TEXT NOT NULL,
  name           TEXT NOT NULL,
  version        TEXT NOT NULL,
  UNIQUE (name, kind, version)
) STRICT;
CREATE INDEX entries_by_kind ON entries (kind);
CREATE INDEX entries_by_version ON entries (version);

-- What people search for: every digest that a statement names, by its first 48 bits, and every key that signed one. Short rows keep
-- the index of random keys small, which is most of what an append writes; a search compares what it finds with the entry itself.
CREATE TABLE entry_digests (
  prefix INTEGER NOT NULL CHECK (prefix BETWEEN 0 AND 281474976710655),
  idx    INTEGER NOT NULL,
  PRIMARY KEY (prefix, idx)
) STRICT, WITHOUT ROWID;
CREATE TABLE entry_signers (
  key_id BLOB NOT NULL CHECK (length(key_id) = 32),
  idx    INTEGER NOT NULL,
  PRIMARY KEY (key_id, idx)
) STRICT, WITHOUT ROWID;

-- Tiles of C2SP tlog-tiles. A tile grows at its end until it holds 256 hashes, so every narrower one is its beginning.
-- inner: the 254 nodes between a full tile's hashes and its root, lowest level first.
CREATE TABLE tiles (
  level  INTEGER NOT NULL CHECK (level BETWEEN 0 AND 6),
  idx    INTEGER NOT NULL CHECK (idx >= 0),
  hashes BLOB NOT NULL CHECK (length(hashes) BETWEEN 32 AND 8192 AND length(hashes) % 32 = 0),
  inner  BLOB CHECK ((inner IS NULL) = (length(hashes) < 8192) AND (inner IS NULL OR length(inner) = 8128)),
  UNIQUE (level, idx)
) STRICT;

CREATE TABLE tree_head (
  one  INTEGER PRIMARY KEY CHECK (one = 1),
  size INTEGER NOT NULL CHECK (size >= 0),
  root BLOB NOT NULL CHECK (length(root) = 32)
) STRICT;
INSERT INTO tree_head VALUES (1, 0, x'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');

CREATE TABLE checkpoints (
  number      INTEGER PRIMARY KEY AUTOINCREMENT,
  size        INTEGER NOT NULL CHECK (size > 0),
  cosigned_at INTEGER NOT NULL CHECK (cosigned_at > 0), -- POSIX seconds
  note        TEXT NOT NULL
) STRICT;
CREATE INDEX checkpoints_by_size ON checkpoints (size);

CREATE TABLE attachments (
  digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
  bytes  BLOB NOT NULL CHECK (length(bytes) BETWEEN 1 AND 16777216)
) STRICT;

CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END;
CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'entries are never removed'); END;
CREATE TRIGGER entries_in_order BEFORE INSERT ON entries
  WHEN NEW.idx <> (SELECT coalesce(max(idx) + 1, 0) FROM entries)
  BEGIN SELECT RAISE(ABORT, 'entries are appended one after the other'); END;
CREATE TRIGGER tiles_grow BEFORE UPDATE ON tiles
  WHEN NEW.level <> OLD.level OR NEW.idx <> OLD.idx OR substr(NEW.hashes, 1, length(OLD.hashes)) <> OLD.hashes
  BEGIN SELECT RAISE(ABORT, 'tiles only grow'); END;
CREATE TRIGGER tiles_no_delete BEFORE DELETE ON tiles BEGIN SELECT RAISE(ABORT, 'tiles are never removed'); END;
CREATE TRIGGER tree_head_grows BEFORE UPDATE ON tree_head
  WHEN NEW.size <= OLD.size BEGIN SELECT RAISE(ABORT, 'the tree only grows'); END;
CREATE TRIGGER tree_head_no_delete BEFORE DELETE ON tree_head
  BEGIN SELECT RAISE(ABORT, 'the tree head is never removed'); END;
CREATE TRIGGER checkpoints_no_update BEFORE UPDATE ON checkpoints
  BEGIN SELECT RAISE(ABORT, 'checkpoints are never changed'); END;
CREATE TRIGGER checkpoints_no_delete BEFORE DELETE ON checkpoints
  BEGIN SELECT RAISE(ABORT, 'checkpoints are kept for ever'); END;
CREATE TRIGGER attachments_no_update BEFORE UPDATE ON attachments
  BEGIN SELECT RAISE(ABORT, 'attachments are never changed'); END;
CREATE TRIGGER attachments_no_delete BEFORE DELETE ON attachments
  BEGIN SELECT RAISE(ABORT, 'attachments are never removed'); END;
