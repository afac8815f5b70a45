-- Who writes: every opening for writing raises the epoch, and what an older one still tries to commit is refused. Holder and address say
-- to readers who that is; nothing else follows from them.
ALTER TABLE tree_head ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0 CHECK (epoch >= 0);
ALTER TABLE tree_head ADD COLUMN holder TEXT NOT NULL DEFAULT '';
ALTER TABLE tree_head ADD COLUMN address TEXT NOT NULL DEFAULT '';
DROP TRIGGER tree_head_grows;
CREATE TRIGGER tree_head_grows BEFORE UPDATE ON tree_head
  WHEN NEW.size < OLD.size OR NEW.epoch < OLD.epoch
    OR (NEW.size = OLD.size AND (NEW.epoch = OLD.epoch OR NEW.root <> OLD.root))
  BEGIN SELECT RAISE(ABORT, 'the tree only grows'); END;
