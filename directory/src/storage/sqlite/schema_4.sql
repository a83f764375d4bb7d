-- Until when a session lasts, and the tag by which its app's backend finds it.
ALTER TABLE chains ADD COLUMN ends_ms INTEGER NOT NULL DEFAULT 0; -- 0: never
ALTER TABLE chains ADD COLUMN tag TEXT;
ALTER TABLE chains ADD COLUMN tag_opening BLOB;
CREATE INDEX chains_end ON chains (ends_ms) WHERE ends_ms <> 0;
CREATE INDEX chains_tag ON chains (tenant, tag, kind, id) WHERE tag IS NOT NULL;
