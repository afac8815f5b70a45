-- What an inclusion proof needs of a full tile of level 0, in one short row instead of places of a row that fills two pages: for each
-- sixteenth of it its 16 hashes, the 14 nodes of heights 1 to 3 above them, lowest first, and the siblings of heights 4 to 7 on the way to
-- the tile's root; 34 hashes. The row of sixteenth s of tile t is number 16 · t + s.
CREATE TABLE tile_paths (
  number INTEGER PRIMARY KEY CHECK (number >= 0),
  hashes BLOB NOT NULL CHECK (length(hashes) = 1088)
) STRICT;

-- These rows as they follow from the tiles. `inner` holds the nodes of height 1 from byte 0 on, of height 2 from 4096, of height 3 from
-- 6144, and of heights 4 to 7 from 7168, 7680, 7936 and 8064. The sibling of node n is (n | 1) - (n & 1). "||" makes text of blobs, byte
-- for byte; the cast takes that back.
CREATE VIEW paths_of_tiles AS
  WITH RECURSIVE sixteenths (s) AS (VALUES (0) UNION ALL SELECT s + 1 FROM sixteenths WHERE s < 15)
  SELECT idx, 16 * idx + s AS number, CAST(
      substr(tiles.hashes, 512 * s + 1, 512)
      || substr(inner, 256 * s + 1, 256) || substr(inner, 4097 + 128 * s, 128) || substr(inner, 6145 + 64 * s, 64)
      || substr(inner, 7169 + 32 * ((s | 1) - (s & 1)), 32)
      || substr(inner, 7681 + 32 * ((s >> 1 | 1) - (s >> 1 & 1)), 32)
      || substr(inner, 7937 + 32 * ((s >> 2 | 1) - (s >> 2 & 1)), 32)
      || substr(inner, 8065 + 32 * ((s >> 3 | 1) - (s >> 3 & 1)), 32) AS BLOB) AS hashes
  FROM tiles CROSS JOIN sixteenths WHERE level = 0 AND inner IS NOT NULL;

INSERT INTO tile_paths SELECT number, hashes FROM paths_of_tiles ORDER BY idx, number;

CREATE TRIGGER tiles_have_paths AFTER INSERT ON tiles WHEN NEW.level = 0 AND NEW.inner IS NOT NULL
  BEGIN INSERT INTO tile_paths SELECT number, hashes FROM paths_of_tiles WHERE idx = NEW.idx; END;
CREATE TRIGGER tiles_get_paths AFTER UPDATE ON tiles WHEN NEW.level = 0 AND NEW.inner IS NOT NULL AND OLD.inner IS NULL
  BEGIN INSERT INTO tile_paths SELECT number, hashes FROM paths_of_tiles WHERE idx = NEW.idx; END;
CREATE TRIGGER tile_paths_no_update BEFORE UPDATE ON tile_paths
  BEGIN SELECT RAISE(ABORT, 'paths are never changed'); END;
CREATE TRIGGER tile_paths_no_delete BEFORE DELETE ON tile_paths
  BEGIN SELECT RAISE(ABORT, 'paths are never removed'); END;
