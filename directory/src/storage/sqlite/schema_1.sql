-- Ids, keys and hashes are 32 bytes; times are milliseconds since 1970-01-01 UTC.
CREATE TABLE tenants (
  id BLOB PRIMARY KEY CHECK (length(id) = 32),
  name TEXT NOT NULL,
  directory_seed BLOB NOT NULL CHECK (length(directory_seed) = 32),
  created_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE chains (
  no INTEGER PRIMARY KEY,
  tenant BLOB NOT NULL CHECK (length(tenant) = 32),
  id BLOB NOT NULL CHECK (length(id) = 32),
  kind INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  hash BLOB NOT NULL CHECK (length(hash) = 32),
  metadata BLOB,
  UNIQUE (tenant, id)
) STRICT;

CREATE TABLE entries (
  chain INTEGER NOT NULL REFERENCES chains (no),
  seq INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  leaves BLOB NOT NULL,          -- 32 bytes each; they outlive the wraps
  PRIMARY KEY (chain, seq)
) STRICT;

CREATE TABLE wraps (
  chain INTEGER NOT NULL REFERENCES chains (no),
  kind INTEGER NOT NULL,
  recipient BLOB NOT NULL CHECK (length(recipient) = 32),
  epoch INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  place INTEGER NOT NULL,        -- among the leaves of that entry
  generation INTEGER NOT NULL,
  key_id BLOB NOT NULL,
  sealed BLOB NOT NULL,
  expires_ms INTEGER NOT NULL,   -- 0: never
  PRIMARY KEY (chain, kind, recipient, epoch)
) STRICT;
CREATE INDEX wraps_expiry ON wraps (expires_ms) WHERE expires_ms <> 0;

CREATE TABLE back_links (
  chain INTEGER NOT NULL REFERENCES chains (no),
  epoch INTEGER NOT NULL,
  target INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  PRIMARY KEY (chain, epoch, target)
) STRICT;

-- Personal data: rows here can be deleted and no chain breaks.
CREATE TABLE openings (
  tenant BLOB NOT NULL,
  user_id BLOB NOT NULL,         -- UTF-8
  identity BLOB NOT NULL,
  number BLOB NOT NULL CHECK (length(number) = 8), -- big-endian
  opening BLOB NOT NULL,
  PRIMARY KEY (tenant, user_id)
) STRICT;
CREATE INDEX openings_identity ON openings (tenant, identity);

CREATE TABLE nonces (
  tenant BLOB NOT NULL,
  key BLOB NOT NULL,
  nonce BLOB NOT NULL,
  expires_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant, key, nonce)
) STRICT, WITHOUT ROWID;
CREATE INDEX nonces_expiry ON nonces (expires_ms);
