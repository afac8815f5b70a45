-- Tokens of identities by which entries were published: each is used once. What it is called is the SHA-256 of issuer and jti. The newest
-- of these entries says before which time no later one can have been recorded.
CREATE TABLE entry_tokens (
  token BLOB PRIMARY KEY CHECK (length(token) = 32),
  idx   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX entry_tokens_by_idx ON entry_tokens (idx);
