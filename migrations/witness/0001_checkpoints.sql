-- What a witness remembers: for each log the largest checkpoint that it cosigned. It is all that keeps it from cosigning a fork.

CREATE TABLE checkpoints (
  origin      TEXT PRIMARY KEY,
  size        INTEGER NOT NULL CHECK (size >= 0),
  root        BLOB NOT NULL CHECK (length(root) = 32),
  -- POSIX seconds.
  cosigned_at INTEGER NOT NULL CHECK (cosigned_at > 0),
  -- With the log's signatures and the witness' own, and no others.
  note        TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The program compares before it writes; these hold whatever the program does.
CREATE TRIGGER checkpoints_never_shrink BEFORE UPDATE ON checkpoints
  WHEN NEW.origin <> OLD.origin OR NEW.size < OLD.size OR (NEW.size = OLD.size AND NEW.root <> OLD.root)
  BEGIN SELECT RAISE(ABORT, 'a witness never goes back'); END;

CREATE TRIGGER checkpoints_never_go BEFORE DELETE ON checkpoints
  BEGIN SELECT RAISE(ABORT, 'a witness never forgets'); END;
