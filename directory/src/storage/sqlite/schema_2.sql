-- Small records that no chain holds: see `storage::RecordKind`.
CREATE TABLE records (
  tenant BLOB NOT NULL CHECK (length(tenant) = 32),
  kind INTEGER NOT NULL,
  key BLOB NOT NULL,
  value BLOB NOT NULL,
  expires_ms INTEGER NOT NULL,   -- 0: never
  PRIMARY KEY (tenant, kind, key)
) STRICT;
CREATE INDEX records_expiry ON records (expires_ms) WHERE expires_ms <> 0;
